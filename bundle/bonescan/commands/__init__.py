"""The command `bonescan`: parse, call, say what, how many, where; exit code.

Modules of this room import what is heavy only when a command runs, so that help is there at once.
"""

from collections.abc import Sequence

from bonescan.commands.parser import make_parser
from bonescan.commands.reporting import run_reported


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: what is typed after `bonescan`; those of this process if not given.

    Returns:
        The exit code: 0 done, 1 failed or with failures, 130 interrupted.

    Raises:
        SystemExit: with code 2 if the arguments are wrong, with 0 after help.
    """
    chosen = make_parser().parse_args(arguments)
    command = chosen.command
    return run_reported(lambda: command.run(chosen), to_continue=command.to_continue)
