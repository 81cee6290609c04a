"""The command that runs a trained system on new scans."""

import argparse
from datetime import date
from pathlib import Path

from bonescan.commands.command import WITH_RESUME, Command
from bonescan.commands.workflow import (
    add_device,
    add_settings,
    add_trust,
    count_processes,
    is_first_process,
    run_folder,
    start,
)
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
        "--screening",
        dest="purpose",
        action="store_const",
        const="screening",
        help="mark lesions from the probability on at which validation missed few, in place of the "
        "one that measures burden best",
    )
    parser.add_argument(
        "--regions",
        type=run_folder,
        metavar="RUN",
        help="folder of a training of the overlay skeleton_regions: findings name their bones",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--earlier",
        nargs="+",
        metavar="PATH",
        help="earlier scans of the patient, where INPUT is one scan: files, or folders of scans",
    )
    which.add_argument(
        "--follow-up",
        action="store_true",
        help="compare each scan with those of the same patient and of earlier days in INPUT",
    )
    parser.add_argument(
        "--therapy-start",
        type=_day,
        metavar="YYYY-MM-DD",
        help="first day of therapy of the patient whose scans are compared",
    )
    add_device(parser)
    add_trust(parser)
    add_settings(parser)


def _day(text: str) -> str:
    """Take a day.

    Raises:
        ArgumentTypeError: if it is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"day must be YYYY-MM-DD, got {text!r}") from None


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
        "purpose": chosen.purpose,
        "resume": chosen.resume or None,
        "identified": chosen.identified or None,
        "earlier": chosen.earlier,
        "follow_up": chosen.follow_up or None,
        "therapy_start": chosen.therapy_start,
        "device": chosen.device,
    }
    configs = find_configs()
    files = [configs / "inference.yaml", chosen.run / SYSTEM]
    if count_processes() > 1:
        files.append(configs / "multi_gpu_inference.yaml")
    code = start("inference", files, values=values, settings=chosen.settings)
    if not is_first_process():
        return code
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
all. Of a scan with earlier ones they say what has changed: --earlier names these, --follow-up takes
them from INPUT by patient and day, and a datalist may name one in the field "earlier". Inputs that
cannot be read are listed in failures.csv; the others are processed, and the exit code is 1. Started
by torchrun, the processes share the scans.""",
)
