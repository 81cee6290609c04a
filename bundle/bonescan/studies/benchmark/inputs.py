"""What a benchmark works on: how much of it, simulated scans, and the bundle's workflows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow

from bonescan.data.datalist import DATALIST_FILE, TRAINING
from bonescan.keys import FOLD, IMAGE, LABEL, PATIENT
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import PRESETS, THORAX_SITES
from bonescan.run_folder import SYSTEM
from bonescan.workflow.command import lay_files
from bonescan.workflow.installation import find_configs

CONFIGS = find_configs()
ROOT = CONFIGS.parent
"""The bundle's root."""

FOLDS = 5
SEED = 0


@dataclass(frozen=True)
class BenchmarkSize:
    """How long to measure.

    Attributes:
        patients: scans to simulate; what takes more scans repeats these.
        train_scans: scans of the cohort for the training step, a fifth of them for validation.
        epochs: epochs of the training step, one of them to warm up.
        infer_scans: scans for inference, one of them to warm up.
        width: width of the networks that are timed; None for the fast profile's in training, and
            for the paper's in inference.
        starts: start-ups of each kind, one of them to warm up.
        readings: readings of each scan, and crops.
        memory_scans: numbers of scans that memory is compared over, the smaller first: enough for
            Python to have collected cycles a few times, which it does after some 20 scans.
        systems: files of configs/systems that are compared, without ending; None for all.
        turns: how often two systems are timed in turn, after one turn that warms up.
    """

    patients: int = 6
    train_scans: int = 25
    epochs: int = 6
    infer_scans: int = 10
    width: int | None = None
    starts: int = 6
    readings: int = 9
    memory_scans: tuple[int, int] = (50, 200)
    systems: tuple[str, ...] | None = None
    turns: int = 3


@dataclass(frozen=True)
class BenchmarkInputs:
    """What a part of the benchmark is given.

    Attributes:
        scans: folders of simulated patients, two views each.
        folder: empty folder to work in.
        size: how long to measure.
        real: folder of real scans to read, if any.
    """

    scans: Sequence[Path]
    folder: Path
    size: BenchmarkSize
    real: Path | None = None


def simulate_scans(folder: Path, patients: int) -> list[Path]:
    """Simulate patients with lesions in the thorax whose two views lie in one file.

    Returns:
        Their folders.
    """
    preset = replace(
        PRESETS["default"],
        two_file_share=0.0,
        one_view_patients=0,
        free_share=0.0,  # training asks for a lesion, however few patients there are
        sites=THORAX_SITES,
    )
    simulate_cohort(Cohort(preset, patients, SEED, folder))
    return sorted(path.parent for path in folder.glob("*/scan.dcm"))


def repeat_cohort(scans: Sequence[Path], folder: Path, number: int) -> Path:
    """Make a cohort of any number of patients out of a few, by links of other names.

    Args:
        scans: folders of patients.
        folder: where to make the cohort.
        number: how many patients it is to have.

    Returns:
        The datalist.
    """
    folder.mkdir(parents=True)
    entries = []
    for index in range(number):
        patient = f"copy-{index:04d}"
        (folder / patient).symlink_to(scans[index % len(scans)], target_is_directory=True)
        entries.append(
            {
                IMAGE: f"{patient}/scan.dcm",
                LABEL: f"{patient}/label.nii.gz",
                PATIENT: patient,
                FOLD: index % FOLDS,
            }
        )
    path = folder / DATALIST_FILE
    path.write_text(json.dumps({TRAINING: entries}), encoding="utf-8")
    return path


def make_workflow(
    names: Sequence[str],
    overrides: Mapping[str, Any],
    *,
    system: str | None = None,
    run: Path | None = None,
    width: int | None = None,
) -> ConfigWorkflow:
    """Compose and initialise a workflow of configs/ on the CPU.

    Args:
        names: of the configurations; the first, "train" or "inference", is the workflow.
        overrides: keys of the configuration.
        system: file of configs/systems without ending; None for the default system, or that of a
            run.
        run: folder of a training, whose system it is; None for another.
        width: of the network; None to leave it as the configurations have it.
    """
    files = [str(CONFIGS / f"{name}.yaml") for name in names]
    settings = {**overrides, **({} if width is None else {"width": width})}
    if system is None:
        files = list(lay_files(files))
    else:
        path = CONFIGS / "systems" / f"{system}.yaml"
        files = list(lay_files(files, [path]))
        settings = {**ConfigParser.load_config_file(str(path)), **settings}
        del settings["config_file"]
    if run is not None:
        files.append(str(run / SYSTEM))
    workflow = ConfigWorkflow(
        config_file=files,
        workflow_type=names[0],
        logging_file=False,
        bundle_root=str(ROOT),
        device="$torch.device('cpu')",
        **settings,
    )
    workflow.initialize()
    return workflow
