"""What a command is, and the form of its help."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SAME_COMMAND = "run the same command again"
WITH_RESUME = "run the same command with --resume"
PUBLISHED = Path("docs/results")
"""Folder of the results that this project publishes, from the root of its checkout."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: what is typed.
        about: what it does, in one sentence.
        example: a command line that works.
        add_arguments: adds its arguments to a parser; imports nothing heavy.
        run: does it with the parsed arguments, and returns the exit code.
        to_continue: what continues it after an interruption; empty where nothing does.
        notes: what else a person must know to use it.
    """

    name: str
    about: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    to_continue: str = ""
    notes: str = ""


@dataclass(frozen=True)
class CommandGroup:
    """Commands under one name.

    Attributes:
        name: what is typed before the command.
        about: what they do, in one sentence.
        commands: the commands.
    """

    name: str
    about: str
    commands: Sequence[Command]


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Show defaults, where there are any, and leave descriptions as they are laid out."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or isinstance(action.default, bool | list):
            return action.help
        return super()._get_help_string(action)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the folder that a command writes."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def add_workers(parser: argparse.ArgumentParser, default: int | None, about: str) -> None:
    """Add the choice of who does the work: processes of this machine, or a Dask cluster."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--workers", type=int, default=default, metavar="W", help=about)
    choice.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="Dask cluster that works instead, whose workers see the same folders, such as "
        "tcp://10.0.0.1:8786",
    )


def add_datalist(parser: argparse.ArgumentParser, about: str) -> None:
    """Add the datalist that a command reads."""
    parser.add_argument("--datalist", type=Path, required=True, metavar="FILE", help=about)


def add_results_folder(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the folder of results: one for trying things out, unless they are to be published."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "-o", "--output", type=Path, default=Path(default), metavar="DIR", help="folder to write"
    )
    choice.add_argument(
        "--publish",
        dest="output",
        action="store_const",
        const=PUBLISHED,
        help=f"write to {PUBLISHED}, in place of the results there",
    )
