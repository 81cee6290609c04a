"""The command that simulates a cohort."""

import argparse
from pathlib import Path

from bonescan.commands.command import SAME_COMMAND, Command, add_output, add_workers
from bonescan.phantom.presets import BANK_PARTS, PRESETS, find_preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--preset", choices=PRESETS, default="default", help="what the patients are like"
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--patients", type=int, metavar="N", help="the preset's own number if not given"
    )
    number.add_argument(
        "--bodies",
        type=int,
        metavar="N",
        help="make a bank of N bodies, from which patients can be drawn, instead of patients",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    parser.add_argument(
        "--from-bank", type=Path, metavar="DIR", help="draw the patients' bodies from this bank"
    )
    parser.add_argument(
        "--part",
        choices=BANK_PARTS,
        help="bodies of the bank to draw from: training, validation and test share none "
        "(all if not given)",
    )
    add_workers(parser, 1, "processes")
    add_output(parser)


def run(chosen: argparse.Namespace) -> int:
    """Simulate the patients, or build the bodies, that are not there yet."""
    try:
        if chosen.bodies is not None:
            return _build_bank(chosen)
        return _simulate_cohort(chosen)
    except OSError as err:
        raise ValueError(
            f"{chosen.output} must be a folder with room to write, got: {err.strerror or err}"
        ) from None


def _build_bank(chosen: argparse.Namespace) -> int:
    from bonescan.phantom.bank import BankPlan, build_bank

    if chosen.from_bank is not None:
        raise ValueError("--bodies must be given without --from-bank, got both")
    plan = BankPlan(find_preset(chosen.preset), chosen.bodies, chosen.seed, chosen.output)
    build_bank(plan, workers=chosen.workers, cluster=chosen.cluster)
    print(f"{chosen.bodies} bodies in {chosen.output}; draw patients with --from-bank")
    return 0


def _simulate_cohort(chosen: argparse.Namespace) -> int:
    from bonescan.phantom.bank import Bank
    from bonescan.phantom.cohort import Cohort, simulate_cohort

    if chosen.part is not None and chosen.from_bank is None:
        raise ValueError(f"--part must be given with --from-bank, got {chosen.part} alone")
    preset = find_preset(chosen.preset)
    patients = preset.patients if chosen.patients is None else chosen.patients
    bank = None if chosen.from_bank is None else Bank.open(chosen.from_bank, chosen.part or "all")
    cohort = Cohort(preset, patients, chosen.seed, chosen.output, bank)
    simulate_cohort(cohort, workers=chosen.workers, cluster=chosen.cluster)
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
