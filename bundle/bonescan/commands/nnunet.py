"""The commands that convert to nnU-Net's layout and back."""

import argparse
from pathlib import Path

from bonescan.commands.command import Command, CommandGroup, add_datalist, add_output

FORMATS = (".png", ".nii.gz")


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    add_datalist(parser, "datalist of scans")
    parser.add_argument(
        "--dataset", type=Path, required=True, metavar="DIR", help="nnUNet_raw/DatasetNNN_Name"
    )


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the export."""
    _add_dataset(parser)
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="of the files")
    parser.add_argument(
        "--mirror-posterior", action="store_true", help="lay the posterior on the anterior view"
    )
    parser.add_argument("--lesions-only", action="store_true", help="bladder becomes background")


def run_export(chosen: argparse.Namespace) -> int:
    """Export."""
    from bonescan.data.nnunet import DatasetForm, export_dataset

    form = DatasetForm(chosen.format, chosen.mirror_posterior, chosen.lesions_only)
    print(f"dataset in {export_dataset(chosen.datalist, chosen.dataset, form)}")
    return 0


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the import."""
    _add_dataset(parser)
    parser.add_argument(
        "--predictions", type=Path, required=True, metavar="DIR", help="output of nnUNetv2_predict"
    )
    add_output(parser)


def run_import(chosen: argparse.Namespace) -> int:
    """Import."""
    from bonescan.data.nnunet import import_predictions

    written = import_predictions(chosen.datalist, chosen.dataset, chosen.predictions, chosen.output)
    print(f"{len(written)} label maps in {chosen.output}")
    return 0


EXAMPLE = "--datalist data/cohort/datalist.json --dataset nnUNet_raw/Dataset901_Bone"
COMMANDS = CommandGroup(
    name="nnunet",
    about="Exchange data sets and predictions with nnU-Net v2.",
    commands=(
        Command(
            name="export",
            about="Write a datalist as a raw dataset of nnU-Net, one case per view.",
            example=f"bonescan nnunet export {EXAMPLE}",
            add_arguments=add_export_arguments,
            run=run_export,
        ),
        Command(
            name="import",
            about="Turn predictions of nnU-Net into one label map per scan.",
            example=f"bonescan nnunet import {EXAMPLE} --predictions out -o predicted",
            add_arguments=add_import_arguments,
            run=run_import,
        ),
    ),
)
