"""The command that runs a trained system on new scans."""

import argparse
from pathlib import Path

from bonescan.commands.command import WITH_RESUME, Command
from bonescan.commands.workflow import add_device, add_settings, add_trust, run_folder, start
from bonescan.files import read_rows
from bonescan.run_folder import FAILURES, SCAN_ROWS, SYSTEM
from bonescan.workflow.installation import find_configs

INFERENCE = "inference"
"""Folder inside that of a run, where no other is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a training")
    parser.add_argument(
        "input", metavar="INPUT", help="DICOM or NIfTI file, folder of scans, or datalist"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"RUN/{INFERENCE} if not given"
    )
    parser.add_argument(
        "--resume", action="store_true", help="pass over the scans that the folder already has"
    )
    parser.add_argument(
        "--identified",
        action="store_true",
        help="results name the patient and belong to the same study; file names and logs never do",
    )
    parser.add_argument(
        "--regions",
        type=run_folder,
        metavar="RUN",
        help="folder of a training of the overlay skeleton_regions: findings name their bones",
    )
    add_device(parser)
    add_trust(parser)
    add_settings(parser)


def run(chosen: argparse.Namespace) -> int:
    """Infer."""
    from bonescan.workflow.trust import check_system

    if not chosen.trust:
        check_system(chosen.run / SYSTEM)
    output = chosen.output or chosen.run / INFERENCE
    values = {
        "run_dir": chosen.run,
        "input": chosen.input,
        "output_dir": output,
        "regions_run": chosen.regions,
        "resume": chosen.resume or None,
        "identified": chosen.identified or None,
        "device": chosen.device,
    }
    files = [find_configs() / "inference.yaml", chosen.run / SYSTEM]
    code = start("inference", files, values=values, settings=chosen.settings)
    done, failed = output / SCAN_ROWS, output / FAILURES
    if done.is_file() or failed.is_file():
        print(f"{len(read_rows(done))} scans in {output}; see {done if done.is_file() else failed}")
    if failed.is_file():
        print(f"{len(read_rows(failed))} inputs left out; see {failed}")
    return code


COMMAND = Command(
    name="infer",
    about="Find lesions in new scans.",
    example="bonescan infer runs/unet data/archive -o results",
    add_arguments=add_arguments,
    run=run,
    to_continue=WITH_RESUME,
    notes="""\
Writes a label map, findings, a picture, a report and DICOM results of each scan, and a table of
all. Inputs that cannot be read are listed in failures.csv; the others are processed, and the exit
code is 1.""",
)
