"""Write the reference of commands and configuration keys from what the program itself says."""

import argparse
import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from bonescan.commands.command import CommandGroup, HelpFormatter
from bonescan.commands.parser import COMMANDS, PROGRAM
from bonescan.commands.parser import make_parser as make_program_parser
from bonescan.files import write_text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
COLUMNS = "88"
"""Width of the help; that of a page's code block."""
WORKFLOWS = ("train", "evaluate", "inference")
USER_KEYS = re.compile(r"^# --- what a user sets ---\n(.*?)\n\n", re.DOTALL | re.MULTILINE)
KEY = re.compile(r"^(\w+): (.+?)(?:  # (.+))?$", re.MULTILINE)
"""A key, its value, and the comment behind them."""
NOT_SET = {"bundle_root", "torch_device"}
"""Keys of that part that a user has no reason to set."""

COMMANDS_HEAD = """\
# Commands
What `bonescan COMMAND --help` prints, for all commands. Made by `python scripts/reference.py`.
"""
KEYS_HEAD = """\
# Configuration keys
What a user sets in each workflow: by `--set KEY=VALUE` of `bonescan train`, `evaluate` and `infer`,
by `--KEY VALUE` of `python -m monai.bundle run`, or in a file laid over the others. All other keys
describe the system and its training, and are explained beside them in `configs/`. `@key` stands for
the value of another key, and `$` begins an expression of Python. On a command line `null` is a
text: write `$None`.

Made by `python scripts/reference.py`.
"""


def walk_commands() -> Iterator[tuple[str, ...]]:
    """Give the words of every command, those of groups after the group's name."""
    for command in COMMANDS:
        if isinstance(command, CommandGroup):
            yield from ((command.name, part.name) for part in command.commands)
        else:
            yield (command.name,)


def read_help(words: tuple[str, ...]) -> str:
    """Return what a command prints when it is asked for help."""
    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, COLUMNS=COLUMNS),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        make_program_parser().parse_args([*words, "--help"])
    return printed.getvalue().rstrip()


def describe_commands() -> str:
    """Lay out the help of all commands as a page."""
    parts = [COMMANDS_HEAD]
    for words in walk_commands():
        title = " ".join((PROGRAM, *words))
        parts.append(f"## {title}\n```text\n{read_help(words)}\n```\n")
    return "\n".join(parts)


def describe_keys() -> str:
    """Lay out the keys that a user sets in the three workflows as a page.

    Raises:
        ValueError: if a workflow has no part with such keys.
    """
    parts = [KEYS_HEAD]
    for workflow in WORKFLOWS:
        path = ROOT / "configs" / f"{workflow}.yaml"
        found = USER_KEYS.search(path.read_text(encoding="utf-8"))
        if found is None:
            raise ValueError(f"{path} must have a part `what a user sets`, got none")
        rows = [
            f"| `{key}` | `{value}` | {comment} |"
            for key, value, comment in KEY.findall(found[1])
            if key not in NOT_SET
        ]
        table = "\n".join(["| key | value | what it is |", "|---|---|---|", *rows])
        parts.append(f"## configs/{workflow}.yaml\n{table}\n")
    return "\n".join(parts)


PAGES = {"commands.md": describe_commands, "configuration.md": describe_keys}
"""How the text of a page is made."""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="DIR", help="of the pages")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    folder = make_parser().parse_args(arguments).folder
    for name, describe in PAGES.items():
        write_text(folder / name, describe())
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
