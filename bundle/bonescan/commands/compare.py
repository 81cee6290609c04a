"""The command that sets trained runs beside each other on one page."""

import argparse
from pathlib import Path

from bonescan.commands.command import Command, add_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of trainings")
    add_output(parser)


def run(chosen: argparse.Namespace) -> int:
    """Compare.

    Raises:
        ValueError: if fewer than two runs can be read, or one is given twice.
    """
    from bonescan.studies.runs.compare import compare_runs

    done = compare_runs(chosen.runs, chosen.output)
    for name, reason in done.unreadable.items():
        print(f"{name} left out: {reason}")
    print(f"{len(done.compared)} runs compared; see {done.page}")
    return 1 if done.unreadable else 0


COMMAND = Command(
    name="compare",
    about="Set trained runs beside each other on one page.",
    example="bonescan compare runs/unet runs/unet_res -o runs/compared",
    add_arguments=add_arguments,
    run=run,
    notes="""\
Shows training curves, costs, figures of the evaluations, free-response curves, examples and what
differs between the configurations. Differences have intervals where runs were evaluated on the same
images; they are to the first run. Nothing in a run's folder is executed. The exit code is 1 if a
folder cannot be read.""",
)
