"""What a command line composes: configuration files, overrides, and whether they fit together."""

import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fire
from monai.bundle import ConfigParser
from monai.bundle.scripts import update_kwargs

RUN_ARGUMENTS = (
    "run_id",
    "init_id",
    "final_id",
    "meta_file",
    "config_file",
    "logging_file",
    "tracking",
    "args_file",
)
"""Arguments of `monai.bundle run` itself; every other key is an override."""

FAMILIES = "families"
"""Folder of what the systems of one paper share."""
BASE = "base"
"""Key of an overlay that is not for every system: the file that must lie under it."""

PRIVATE_KEYS = ("therapy_start",)
"""Keys whose values, days of a patient, are repeated in no record and no line."""
HIDDEN = "HIDDEN"

_launched: ContextVar["Command | None"] = ContextVar("command", default=None)


@dataclass(frozen=True)
class Command:
    """A parsed `monai.bundle run` command.

    Attributes:
        config_files: configuration files, in the order in which they are merged.
        overrides: overrides of the arguments file and of the command line together.
        arguments: all of it, as keyword arguments of `monai.bundle.run`.
        added_files: those of `config_files` that plain `monai.bundle run` would not read: a
            --config_file beside --args_file takes the place of the files that the latter names.
        words: the arguments as they were given, after `monai.bundle run`.
    """

    config_files: tuple[str, ...]
    overrides: Mapping[str, Any]
    arguments: Mapping[str, Any]
    added_files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def parse_command(arguments: Sequence[str]) -> Command:
    """Parse the arguments that follow `monai.bundle run`, with Fire's typing as MONAI does.

    Raises:
        ValueError: if neither the command line nor the arguments file names a configuration file.
    """
    captured: dict[str, Any] = {}
    args_files: list[str] = []

    def run(run_id: str | None = None, args_file: str | None = None, **override: Any) -> None:
        args_files.extend(_listed(args_file))
        captured.update(update_kwargs(args=args_file, run_id=run_id, **override))

    fire.Fire(run, command=list(arguments), name="run")
    files = _listed(captured.get("config_file"))
    if not files:
        raise ValueError("no configuration file is given; add --config_file or --args_file")
    all_files = lay_files(files, args_files)
    return Command(
        config_files=all_files,
        overrides={key: value for key, value in captured.items() if key not in RUN_ARGUMENTS},
        arguments={**captured, "config_file": list(all_files)},
        added_files=_missing(all_files, files),
        words=tuple(arguments),
    )


def lay_files(files: Sequence[str], args_files: Sequence[str | Path] = ()) -> tuple[str, ...]:
    """Return configuration files in the order in which they are merged, none left out.

    After the workflow's comes the base, as a system's arguments file or an overlay names it, and
    then the overlays. Families of the system come last: a profile must not change what makes the
    system what it is.

    Args:
        files: the workflow's, and overlays.
        args_files: of the system; relative names in it are those of its own bundle.

    Raises:
        ValueError: if an overlay is made for another base than the system's.
    """
    named = [name for args_file in args_files for name in _named_by(args_file)]
    families = [name for name in named if Path(name).parent.name == FAMILIES]
    bases = [name for name in named if name not in families]
    for file in files[1:]:
        base = _base_of(file)
        if base is None:
            continue
        if args_files and Path(base).resolve() not in map(Path.resolve, map(Path, bases)):
            raise ValueError(
                f"{Path(file).name} is for systems over {Path(base).name}, and "
                f"{Path(args_files[0]).name} is none: leave one of them out"
            )
        bases.append(base)
    return (files[0], *_missing(bases, files), *files[1:], *_missing(families, files))


def _named_by(args_file: str | Path) -> tuple[str, ...]:
    """Return the files that a system's arguments file names, but for the workflow's."""
    named = _listed(ConfigParser.load_config_file(str(args_file)).get("config_file"))
    return tuple(_find_in_bundle(name, args_file, depth=2) for name in named[1:])


def _base_of(overlay: str | Path) -> str | None:
    """Return the file that an overlay is made for; None if it is for any system."""
    if not Path(overlay).is_file():  # which MONAI tells when it reads them
        return None
    base = ConfigParser.load_config_file(str(overlay)).get(BASE)
    return None if base is None else _find_in_bundle(base, overlay, depth=1)


def _find_in_bundle(name: str, beside: str | Path, *, depth: int) -> str:
    """Return a name as it is, or in the bundle of a file that lies so many folders deep in it."""
    folders = Path(beside).absolute().parents
    there = folders[min(depth, len(folders) - 1)] / name
    return str(there) if there.is_file() else name


def _missing(wanted: Sequence[str], files: Sequence[str]) -> tuple[str, ...]:
    there = {Path(file).resolve() for file in files}
    return tuple(file for file in dict.fromkeys(wanted) if Path(file).resolve() not in there)


def _listed(files: str | Sequence[str] | None) -> tuple[str, ...]:
    return (files,) if isinstance(files, str) else tuple(files or ())


def hide_private(words: Sequence[str]) -> list[str]:
    """Return the words of a command without the values of PRIVATE_KEYS."""
    shown: list[str] = []
    for word in words:
        key, sign, _ = word.partition("=")
        if key.lstrip("-") not in PRIVATE_KEYS:
            follows = bool(shown) and shown[-1].lstrip("-") in PRIVATE_KEYS
            shown.append(HIDDEN if follows else word)
        else:
            shown.append(f"{key}={HIDDEN}" if sign else key)
    return shown


@contextmanager
def launched(command: Command) -> Iterator[None]:
    """Make a command the current one for as long as it runs."""
    token = _launched.set(command)
    try:
        yield
    finally:
        _launched.reset(token)


def current_command() -> Command | None:
    """Return the command that runs.

    Returns:
        That of bonescan.workflow.launch, which has checked it, or that by which this process was
        started where it is plain `python -m monai.bundle run`; None where Python code made the
        workflow.

    Raises:
        ValueError: if this process was started with a key that no configuration file has, or laid
            a system over the wrong base.
    """
    command = _launched.get()
    is_bundle = "monai" in sys.argv[0] and "bundle" in sys.argv[0]
    if command is None and is_bundle and sys.argv[1:2] == ["run"]:
        command = parse_command(sys.argv[2:])
        check_overrides(command)
        check_files(command)
    return command


def compose(command: Command) -> dict[str, Any]:
    """Return the configuration that a command runs, as one plain dictionary."""
    parser = ConfigParser()
    parser.read_config(list(command.config_files))
    parser.update(pairs=dict(command.overrides))
    return {key: value for key, value in parser.get().items() if key != "_meta_"}


def check_overrides(command: Command) -> None:
    """Refuse overrides that MONAI accepts silently, and that are not what was meant.

    `--epoch 3` would change nothing; `--drop_last false` would be a text, which counts as true.

    Raises:
        ValueError: if no configuration file has a key at the top; the message names the key most
            like it. If a value is the word true or false.
    """
    known = [key.lstrip("+") for key in ConfigParser.load_config_files(list(command.config_files))]
    roots = {key.replace("::", "#").split("#")[0] for key in known}
    for key, value in command.overrides.items():
        if value in ("true", "false"):
            raise ValueError(f"override {key!r} must be {value.capitalize()}, got {value!r}")
        root = key.lstrip("+").replace("::", "#").split("#")[0]
        if root not in roots:
            similar = difflib.get_close_matches(root, sorted(roots), n=1)
            hint = f"; did you mean {similar[0]!r}?" if similar else ""
            raise ValueError(
                f"override {key!r} must name a key of {', '.join(command.config_files)}{hint}"
            )


def check_files(command: Command) -> None:
    """Refuse a `monai.bundle run` that lays a system or an overlay over the wrong base.

    Raises:
        ValueError: if its --config_file leaves out a base, or a family of its --args_file.
    """
    if command.added_files:
        files = ",".join(f"'{file}'" for file in command.config_files)
        raise ValueError(
            "--config_file must name the base and the families of the system and of overlays: "
            f'--config_file "[{files}]"; `bonescan train` does so by itself'
        )
