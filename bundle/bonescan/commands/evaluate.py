"""The command that evaluates a trained system."""

import argparse
import json
from pathlib import Path

from bonescan.commands.command import Command
from bonescan.commands.workflow import (
    add_device,
    add_overlay,
    add_settings,
    add_trust,
    data_values,
    is_first_process,
    run_folder,
    start,
)
from bonescan.files import read_rows
from bonescan.labels import LABEL_NAMES, Label
from bonescan.run_folder import (
    CONFIGURATION,
    EVALUATION,
    IMAGE_ROWS,
    SUMMARY_JSON,
    SUMMARY_PAGE,
    SYSTEM,
)
from bonescan.workflow.installation import find_configs

DATA_KEYS = ("dataset_dir", "datalist")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a training")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="folder with datalist.json, or a datalist; what was trained on if not given",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"RUN/{EVALUATION} if not given"
    )
    parser.add_argument(
        "--section", metavar="NAME", help="section of the datalist, test if not given"
    )
    parser.add_argument("--fold", type=int, metavar="K", help="one fold of the section, else all")
    add_overlay(parser)
    add_device(parser)
    add_trust(parser)
    add_settings(parser)


def run(chosen: argparse.Namespace) -> int:
    """Evaluate."""
    from bonescan.workflow.trust import check_system

    if not chosen.trust:
        check_system(chosen.run / SYSTEM)
    output, configs = chosen.output or chosen.run / EVALUATION, find_configs()
    overlays = [configs / f"{name}.yaml" for name in chosen.overlay]
    files = [configs / "evaluate.yaml", chosen.run / SYSTEM, *overlays]
    values = {
        **data_values(chosen.data),
        "run_dir": chosen.run,
        "output_dir": chosen.output,
        "section": chosen.section,
        "fold": chosen.fold,
        "device": chosen.device,
    }
    settings = [] if chosen.data else data_of_training(chosen.run, trusted=chosen.trust)
    code = start("evaluating", files, values=values, settings=[*settings, *chosen.settings])
    if code == 0 and is_first_process():
        done = [describe_images(output / IMAGE_ROWS), describe_point(output / SUMMARY_JSON)]
        print("".join([*done, f"See {output / SUMMARY_PAGE}"]))
    return code


def describe_images(table: Path) -> str:
    """Say how many images of how many patients a table is of; nothing where there is none."""
    rows = read_rows(table)
    images = {(row["scan_id"], row["form"]) for row in rows}
    patients = {row["patient"] for row in rows}
    return f"Evaluated {len(images)} images of {len(patients)} patients. " if rows else ""


def describe_point(summary: Path) -> str:
    """Say at which operating point metastases were predicted; nothing where there is no summary."""
    if not summary.is_file():
        return ""
    document = json.loads(summary.read_text(encoding="utf-8"))
    systems = [*document.values(), *document.get(LABEL_NAMES[Label.METASTASIS], {}).values()]
    points = [system["operating_point"]["is"] for system in systems if "operating_point" in system]
    return f"Operating point: {points[0]}. " if points else ""


def data_of_training(folder: Path, *, trusted: bool) -> list[str]:
    """Return the settings that name a run's data, as its configuration has them.

    Raises:
        ValueError: if one is code and the run is not trusted.
    """
    from bonescan.workflow.trust import is_known_text

    path = folder / CONFIGURATION
    if not path.is_file():
        return []
    configuration = json.loads(path.read_text(encoding="utf-8"))
    data = {key: str(configuration[key]) for key in DATA_KEYS}
    for key, text in data.items():
        if not trusted and not is_known_text(text):
            raise ValueError(f"{path}: {key} must be a path, got {text!r}; give --data")
    return [f"{key}={text}" for key, text in data.items()]


COMMAND = Command(
    name="evaluate",
    about="Evaluate a trained system on patients that it has not seen.",
    example="bonescan evaluate runs/unet --data data/cohort",
    add_arguments=add_arguments,
    run=run,
    notes="""\
Writes metrics of images and lesions with intervals over patients, tables and pictures.""",
)
