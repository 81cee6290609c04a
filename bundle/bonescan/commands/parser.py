"""The table of all commands, and the parser that it makes."""

import argparse

from bonescan import __version__
from bonescan.commands import (
    annotate,
    compare,
    compare_nnunet,
    completion,
    evaluate,
    generate,
    image_set,
    infer,
    mine_negatives,
    nnunet,
    node,
    pack,
    reproduce,
    simulate,
    train,
)
from bonescan.commands.command import Command, CommandGroup, HelpFormatter

PROGRAM = "bonescan"
ABOUT = """\
Simulate, train, evaluate and infer planar whole-body bone scans.
Research use only, not for diagnosis or treatment decisions."""

COMMANDS: tuple[Command | CommandGroup, ...] = (
    simulate.COMMAND,
    train.COMMAND,
    evaluate.COMMAND,
    infer.COMMAND,
    annotate.COMMANDS,
    nnunet.COMMANDS,
    image_set.COMMAND,
    generate.COMMAND,
    mine_negatives.COMMAND,
    reproduce.COMMAND,
    compare.COMMAND,
    compare_nnunet.COMMAND,
    pack.COMMAND,
    pack.UNPACK,
    node.COMMAND,
    completion.COMMAND,
)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole program."""
    parser = argparse.ArgumentParser(PROGRAM, description=ABOUT, formatter_class=HelpFormatter)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add_all(parser, COMMANDS)
    return parser


def _add_all(parser: argparse.ArgumentParser, commands: tuple[Command | CommandGroup, ...]) -> None:
    table = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        about = command.about
        if isinstance(command, CommandGroup):
            group = table.add_parser(command.name, help=about, description=about)
            _add_all(group, tuple(command.commands))
            continue
        leaf = table.add_parser(
            command.name,
            help=about,
            description="\n\n".join(filter(None, (about, command.notes))),
            epilog=f"example:\n  {command.example}",
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(leaf)
        leaf.set_defaults(command=command)
