"""What the names that annotators type mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from bonescan.labels import LABEL_NAMES, parse_label_value

IGNORE = "ignore"
"""In place of a value: shapes of this name are left out."""


def read_mapping(path: Path | None, pairs: Sequence[str]) -> dict[str, int | None]:
    """Read the value of each name.

    Args:
        path: YAML file of lines `NAME: VALUE`; a value is a label's name or number, or `ignore`.
        pairs: the same as `NAME=VALUE`; they win over the file.

    Returns:
        Values, None for names to leave out; the bundle's own names stand for themselves unless
        they are given another meaning.

    Raises:
        ValueError: if the file cannot be read, a pair is none, or a value is unknown.
    """
    value_of = {name: name for name in LABEL_NAMES.values()}
    if path is not None:
        value_of |= _read_file(path)
    for pair in pairs:
        name, equals, value = pair.rpartition("=")
        if not equals:
            raise ValueError(f"mapping of a label must be NAME=VALUE, got {pair!r}")
        value_of[name] = value
    return {
        name: None if value == IGNORE else parse_label_value(value)
        for name, value in value_of.items()
    }


def _read_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
        # A few lines of aliases of aliases stand for more entries than any memory holds.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, yaml.SafeLoader)):
            raise ValueError(f"{path}: mapping must be without YAML aliases, got one")
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as err:
        raise ValueError(f"{path}: mapping must be a YAML file, got {err}") from err
    values = content.values() if isinstance(content, Mapping) else [None]
    if not all(isinstance(value, str | int) for value in values):
        raise ValueError(f"{path}: mapping must hold lines NAME: VALUE, got something else")
    return {str(name): str(value) for name, value in content.items()}
