"""Layered configurations as one that stands alone, in the form that MONAI's other tools read."""

import copy
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

TRANSFORMS = "transforms"
_JOINED = re.compile(r"\$@[\w#]+(?: \+ @[\w#]+)*")
"""Lists that are joined, as in `$@load + @preprocess`."""

FIND_BUNDLE = (
    "$sys.path.insert(0, str(next((frame.f_locals['self'].config_root_path.absolute().parent for "
    "frame, _ in traceback.walk_stack(None) if 'config_root_path' in "
    "getattr(frame.f_locals.get('self'), '__dict__', {})), @bundle_root)))"
)
"""Puts the bundle on the path of Python. MONAI does so only after `initialize`, and for
`monai.bundle.load` never; nor does it tell a configuration where it lies, so that the workflow that
is initialising must be asked."""
_INITIALIZE = ("$import sys", "$import traceback", FIND_BUNDLE)
_OUR_PATH = re.compile(r"\$import sys|\$sys\.path\.append\(.*\)")
"""What a configuration of a checkout does in the place of _INITIALIZE."""


def flatten(files: Sequence[Path], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Compose configuration files into one that needs no other.

    The transforms of each chain are written out in it, where MONAI Label and MONAI Deploy look for
    them; what named a part of the first such chain now names its places there.

    Args:
        files: in the order in which they are laid over each other.
        overrides: by key, laid over them.

    Returns:
        A configuration, ready for JSON.
    """
    parser = ConfigParser()
    parser.read_config([str(file) for file in files])
    parser.update(pairs=dict(overrides))
    config = {key: value for key, value in parser.get().items() if key != "_meta_"}
    config = copy.deepcopy(config)
    _write_out(config)
    return {**config, "initialize": find_itself(config["initialize"])}


def find_itself(initialize: Sequence[str]) -> list[str]:
    """Return the first steps of a checkout's workflow as those of a bundle, wherever it lies."""
    return [*_INITIALIZE, *(step for step in initialize if not _OUR_PATH.fullmatch(step))]


def _write_out(config: dict[str, Any]) -> None:
    """Write out the transforms of each chain in place."""
    lists: dict[str, list[Any]] = {}
    for place, chain in list(_find_chains(config)):
        names = [name.strip().lstrip("$@") for name in chain[TRANSFORMS].split(" + ")]
        parts = [(name, _find_list(config, name, lists)) for name in names]
        chain[TRANSFORMS] = [copy.deepcopy(item) for _, items in parts for item in items]
        start = 0
        for name, items in parts:
            owner = _follow(config, name)
            if owner not in lists and isinstance(_get(config, owner), list):
                lists[owner] = list(items)
                references = [f"@{place}#{TRANSFORMS}#{start + i}" for i in range(len(items))]
                _replace(config, owner, references)
            start += len(items)


def _find_chains(node: Any, place: str = "") -> Iterator[tuple[str, MutableMapping[str, Any]]]:
    """Yield each dictionary, with its id, whose transforms are lists that are joined."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, MutableMapping):
        return
    if isinstance(node.get(TRANSFORMS), str) and _JOINED.fullmatch(node[TRANSFORMS]):
        yield place, node
    for name, child in node.items():
        yield from _find_chains(child, f"{place}#{name}" if place else str(name))


def _follow(config: Mapping[str, Any], name: str) -> str:
    """Return the id of the list that a name stands for, through names that stand for names."""
    value = _get(config, name)
    return _follow(config, value[1:]) if isinstance(value, str) else name


def _find_list(config: Mapping[str, Any], name: str, lists: Mapping[str, list[Any]]) -> list[Any]:
    owner = _follow(config, name)
    if owner in lists:
        return lists[owner]
    part = _get(config, owner)
    if isinstance(part, list):
        return list(part)
    return [{"_target_": "Compose", TRANSFORMS: f"@{owner}"}]  # a component makes the list


def _get(config: Mapping[str, Any], name: str) -> Any:
    node: Any = config
    for part in name.split("#"):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def _replace(config: MutableMapping[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split("#")
    node = _get(config, "#".join(parents)) if parents else config
    node[last] = value


def find_targets(node: Any) -> set[str]:
    """Return every dotted name that a configuration instantiates or hands over, of our package."""
    if isinstance(node, Mapping):
        return set().union(*map(find_targets, node.values()))
    if isinstance(node, list):
        return set().union(*map(find_targets, node))
    if isinstance(node, str):
        return set(re.findall(r"\bbonescan(?:\.\w+)+", node))
    return set()
