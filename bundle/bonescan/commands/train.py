"""The command that trains a system."""

import argparse
from pathlib import Path

from bonescan.commands.command import WITH_RESUME, Command, add_output
from bonescan.commands.workflow import (
    add_device,
    add_overlay,
    add_settings,
    data_values,
    is_first_process,
    list_systems,
    start,
)
from bonescan.files import read_rows
from bonescan.run_folder import HISTORY, WEIGHTS
from bonescan.workflow.installation import CROPPED, find_configs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    systems = list_systems()
    parser.add_argument(
        "system",
        nargs="?",
        choices=systems,
        metavar="SYSTEM",
        help="if not given both_views, that of configs/train.yaml, or lin2020_unet_res where an "
        f"overlay such as fast is for systems of each view; one of {', '.join(systems)}",
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help="folder with datalist.json, or a datalist",
    )
    add_output(parser)
    parser.add_argument(
        "--fast",
        dest="overlay",
        action="append_const",
        const="fast",
        default=[],
        help="small enough for 2 CPU cores: the overlay fast",
    )
    add_overlay(parser)
    parser.add_argument(
        "--endless",
        type=Path,
        metavar="BANK",
        help="train on new patients at every step, with bodies of this bank of `bonescan simulate "
        "--bodies`, in place of the data's own: the overlay endless",
    )
    parser.add_argument("--resume", action="store_true", help="continue a training in the folder")
    parser.add_argument("--epochs", type=int, metavar="N", help="the system's own if not given")
    parser.add_argument("--fold", type=int, metavar="K", help="fold that validates, else 0")
    parser.add_argument("--seed", type=int, metavar="S", help="0 if not given")
    add_device(parser)
    add_settings(parser)


def run(chosen: argparse.Namespace) -> int:
    """Train.

    Raises:
        ValueError: if an overlay has no meaning for patients without end.
    """
    from bonescan.workflow.command import lay_files

    if chosen.endless is not None:
        if CROPPED in chosen.overlay:
            raise ValueError(
                f"--endless must be without the overlay {CROPPED}: simulated patients are whole "
                "bodies, not crops"
            )
        chosen.overlay.append("endless")

    configs = find_configs()
    args_file = chosen.system and configs / "systems" / f"{chosen.system}.yaml"
    named = [str(configs / f"{name}.yaml") for name in ("train", *chosen.overlay)]
    files = list(map(Path, lay_files(named, [args_file] if args_file else [])))
    values = {
        **data_values(chosen.data),
        "bank": chosen.endless,
        "output_dir": chosen.output,
        "resume": chosen.resume or None,
        "epochs": chosen.epochs,
        "fold": chosen.fold,
        "seed": chosen.seed,
        "device": chosen.device,
    }
    code = start("training", files, args_file=args_file, values=values, settings=chosen.settings)
    if code == 0 and is_first_process():
        epochs = len(read_rows(chosen.output / HISTORY))
        done = f"{epochs} epochs done. " if epochs else ""
        print(f"{done}Weights in {chosen.output / WEIGHTS}")
    return code


COMMAND = Command(
    name="train",
    about="Train a system.",
    example="bonescan train lin2020_unet --data data/cohort -o runs/unet --fast",
    add_arguments=add_arguments,
    run=run,
    to_continue=WITH_RESUME,
    notes="""\
Everything that is not said is that of the system's file in configs/systems, of the overlays and of
configs/train.yaml. The command of MONAI that does the same is printed first.""",
)
