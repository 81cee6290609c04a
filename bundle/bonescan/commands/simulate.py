"""The command that simulates a cohort."""

import argparse

from bonescan.commands.command import SAME_COMMAND, Command, add_output, add_workers
from bonescan.phantom.presets import PRESETS, find_preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--preset", choices=PRESETS, default="default", help="what the patients are like"
    )
    parser.add_argument(
        "--patients", type=int, metavar="N", help="the preset's own number if not given"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    add_workers(parser, 1, "processes")
    add_output(parser)


def run(chosen: argparse.Namespace) -> int:
    """Simulate the patients that are not there yet."""
    from bonescan.phantom.cohort import Cohort, simulate_cohort

    preset = find_preset(chosen.preset)
    patients = preset.patients if chosen.patients is None else chosen.patients
    try:
        simulate_cohort(
            Cohort(preset, patients, chosen.seed, chosen.output),
            workers=chosen.workers,
            cluster=chosen.cluster,
        )
    except OSError as err:
        raise ValueError(
            f"{chosen.output} must be a folder with room to write, got: {err.strerror or err}"
        ) from None
    print(f"{patients} simulated patients in {chosen.output}; see {chosen.output / 'README.md'}")
    return 0


COMMAND = Command(
    name="simulate",
    about="Simulate a cohort of planar whole-body bone scans with everything known about them.",
    example="bonescan simulate --preset lin2020 --seed 0 --workers 2 -o data/lin2020",
    add_arguments=add_arguments,
    run=run,
    to_continue=SAME_COMMAND,
)
