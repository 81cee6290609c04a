"""What a run's folder may tell the workflows: a run made elsewhere must not bring code.

`system.json` is a configuration, and a configuration can call anything. Only what the project's own
configurations hold is taken from it, unless the user trusts whoever made the run.
"""

import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bonescan.workflow.arguments import is_text_only
from bonescan.workflow.installation import find_configs
from bonescan.workflow.run_record import SYSTEM_KEYS

_PACKAGES = ("bonescan.networks", "bonescan.transforms", "bonescan.inferers")
"""Whose classes a system may name, even if no configuration here does."""
_NAMES_CODE = ("_target_", "reader", "writer")
"""Keys whose text is the name of something to call."""
_PLAIN_MODES = ("default", "callable")
"""Values of `_mode_`; the third, "debug", opens Python's debugger."""


def check_system(path: Path) -> None:
    """Check that a run's `system.json` holds no code but what the project's configurations hold.

    Args:
        path: the file; it exists.

    Raises:
        ValueError: if it holds other keys, calls or expressions, or is damaged.
    """
    try:
        system = json.loads(path.read_text(encoding="utf-8"))
        entries = list(_walk(system))
    except (ValueError, RecursionError) as err:
        raise ValueError(f"{path}: not a JSON file that can be read ({err})") from err
    if not isinstance(system, dict):
        raise ValueError(f"{path}: must hold the keys of a system, got {type(system).__name__}")
    unknown = sorted(set(system) - set(SYSTEM_KEYS))
    if unknown:
        raise ValueError(_distrust(path, f"must hold only the keys of a system, got {unknown}"))
    for key, text in entries:
        if not _is_known(key, text):
            raise ValueError(_distrust(path, f"{key} {text!r} is in no configuration here"))


def is_known_text(text: str) -> bool:
    """Say whether a text is data, or an expression that a configuration of the project holds."""
    return not text.startswith(("$", "%")) or is_text_only(text) or text in _own_texts()


def _is_known(key: str, text: str) -> bool:
    if key == "_mode_":
        return text in _PLAIN_MODES
    if key in _NAMES_CODE:
        package, _, name = text.rpartition(".")
        if package in _PACKAGES and name in importlib.import_module(package).__all__:
            return True
        return text in _own_texts()
    return is_known_text(text)


def _distrust(path: Path, reason: str) -> str:
    return (
        f"{path}: {reason}; it may be code: if you trust whoever made this run, add --trust "
        "(in Python, trust=True)"
    )


@cache
def _own_texts() -> frozenset[str]:
    """Return all texts of the configurations that came with this installation."""
    files = find_configs().rglob("*.yaml")
    contents = (yaml.safe_load(file.read_bytes()) for file in files)
    return frozenset(text for content in contents for _, text in _walk(content))


def _walk(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a value of JSON with the key that it stands under."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, key)
    elif isinstance(value, str):
        yield key, value
