"""Arguments of `monai.bundle run`, made of names and paths."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from fire.parser import DefaultParseValue

_PLAIN = re.compile(r"[\w./][\w./ -]*")
"""Text without any character that MONAI's configurations give a meaning of their own."""

_TEXT_ONLY = re.compile(r"\$(@\w+ \+ )?'([A-Za-z0-9_./ -]|\\U[0-9a-f]{8})*'")
"""An expression that can do nothing: a text, perhaps after the value of another key."""


def literal(text: str | Path) -> str:
    """Return what MONAI reads as this text, whatever it looks like.

    MONAI evaluates what begins with `$`, looks up `@` and `%`, splits at `#` and `::`, and Fire
    makes numbers and lists of what looks like them. A path is none of that: one that could be
    mistaken becomes an expression whose value is the path.
    """
    text = str(text)
    if _PLAIN.fullmatch(text) and DefaultParseValue(text) == text:
        return text
    return "$'" + re.sub(r"[^A-Za-z0-9_./ -]", lambda sign: f"\\U{ord(sign[0]):08x}", text) + "'"


def is_text_only(expression: str) -> bool:
    """Say whether an expression is a text, as `literal` makes it, or a key's value and a text."""
    return _TEXT_ONLY.fullmatch(expression) is not None


def make_arguments(
    run_id: str,
    config_files: Sequence[Path],
    *,
    args_file: Path | None = None,
    values: Mapping[str, str | Path | int | bool | Sequence[str] | None],
    settings: Sequence[str] = (),
) -> list[str]:
    """Make the arguments that follow `python -m monai.bundle run`.

    Args:
        run_id: what to run, such as "training".
        config_files: configuration files, the later laid over the earlier.
        args_file: file of further arguments, such as that of a system.
        values: values by key of the configuration, taken literally; None leaves the key out.
        settings: further `KEY=VALUE`, whose values are read as MONAI reads them.
    """
    files = [_short(path) for path in config_files]
    named = files[0] if len(files) == 1 else f"[{','.join(map(repr, files))}]"
    arguments = [run_id]
    if args_file is not None:
        arguments += ["--args_file", _short(args_file)]
    arguments += ["--config_file", named]
    for key, value in values.items():
        if value is not None:
            arguments += [f"--{key}", str(value) if isinstance(value, int) else _word(value)]
    return arguments + [f"--{setting}" for setting in settings]


def _word(value: str | Path | Sequence[str]) -> str:
    if isinstance(value, str | Path):
        return literal(value)
    return str([literal(item) for item in value])


def _short(path: Path) -> str:
    """Name a file from the working folder where it lies beneath it."""
    path = path.absolute()
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
