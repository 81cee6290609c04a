"""The command that makes images with a trained generator."""

import argparse
from pathlib import Path

from bonescan.commands.command import Command, add_output
from bonescan.commands.workflow import add_device, add_trust, data_values, run_folder
from bonescan.run_folder import QUALITY_PAGE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of its training")
    parser.add_argument("-n", "--number", type=int, required=True, metavar="N", help="of images")
    add_output(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="FILE",
        help="datalist of an image set; the new one holds its sections, too",
    )
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="what was trained on, if it lies elsewhere now"
    )
    add_device(parser)
    add_trust(parser)


def run(chosen: argparse.Namespace) -> int:
    """Generate."""
    from bonescan.data.datalist import DATALIST_FILE
    from bonescan.workflow.devices import AUTO
    from bonescan.workflow.generation import generate

    data = data_values(chosen.data)
    written = generate(
        chosen.run,
        chosen.output,
        number=chosen.number,
        seed=chosen.seed,
        datalist=data.get("datalist", chosen.data and chosen.data / DATALIST_FILE),
        beside=chosen.beside,
        device=chosen.device or AUTO,
        trust=chosen.trust,
    )
    print(f"{chosen.number} images; see {written} and {chosen.output / QUALITY_PAGE}")
    return 0


COMMAND = Command(
    name="generate",
    about="Make thorax images with a trained generator, without labels, and say what they are "
    "worth.",
    example="bonescan generate runs/dcgan -n 280 -o data/generated",
    add_arguments=add_arguments,
    run=run,
    notes="""\
The generator is trained by `bonescan train --overlay dcgan`. Train a network on its images, beside
those of --beside, by --overlay cropped --set added_section=generated.""",
)
