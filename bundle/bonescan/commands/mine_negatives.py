"""The command that mines a network's false positives."""

import argparse
from pathlib import Path

from bonescan.commands.command import Command, add_datalist, add_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_datalist(parser, "datalist of labelled scans")
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="DIR",
        help="output of `bonescan infer` on this datalist",
    )
    add_output(parser)


def run(chosen: argparse.Namespace) -> int:
    """Mine."""
    from bonescan.data.datalist import DATALIST_FILE
    from bonescan.prepare.negative_mining import mine_datalist

    mined = chosen.output / DATALIST_FILE
    pixels = mine_datalist(chosen.datalist, chosen.predictions, mined)
    print(f"{pixels.sum()} false positive pixels in {len(pixels)} scans; see {mined}")
    return 0


COMMAND = Command(
    name="mine-negatives",
    about="Make masks of a network's false positives, for training on three classes (Chen 2023).",
    example="bonescan mine-negatives --datalist data/cohort/datalist.json "
    "--predictions runs/baseline/predictions -o data/mined",
    add_arguments=add_arguments,
    run=run,
    notes="""\
The predictions come from a network of the system chen2023_baseline. What is written is the datalist
on which chen2023_negative_mining is trained. With folds, the network of each fold makes a datalist
of its own, so that no test patient takes part.""",
)
