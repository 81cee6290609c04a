"""A cohort of simulated patients on disk, made by any number of workers, in one go or in several.

Each patient depends on preset, seed and its number only, is written into a temporary folder and
renamed when complete. Files of the whole cohort are written last, from those of the patients.
"""

import json
import os
import platform
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

import bonescan
from bonescan.data.datalist import DATALIST_FILE
from bonescan.files import PARTIAL_PREFIX, write_json, write_text
from bonescan.phantom.files.clinical import ClinicalFacts, clinical_table
from bonescan.phantom.files.cohort_files import make_datalist, make_readme
from bonescan.phantom.files.patient_files import PatientOrigin, read_truth, write_patient
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import Preset
from bonescan.processes import run_each

CONFIGURATION_FILE = "cohort.yaml"
CLINICAL_FILE = "clinical.csv"
README_FILE = "README.md"

SIMULATOR = 3
"""Raised whenever the same seed gives other patients: the files of a cohort must not mix them."""

LIBRARIES = ("numpy", "scipy", "scikit-image", "pydicom", "nibabel")
"""Whose versions may change the bytes of a cohort."""


@dataclass(frozen=True)
class Cohort:
    """What a cohort is made from, and where.

    Attributes:
        preset: what the patients are like.
        patients: how many.
        seed: 0 or more.
        folder: where the cohort lies.
    """

    preset: Preset
    patients: int
    seed: int
    folder: Path

    def __post_init__(self) -> None:
        if self.patients < 1:
            raise ValueError(f"number of patients must be 1 or more, got {self.patients}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")

    @property
    def origins(self) -> tuple[PatientOrigin, ...]:
        """What each patient is made from; numbers start at 1."""
        return tuple(
            PatientOrigin(self.preset, self.seed, number) for number in range(1, self.patients + 1)
        )

    def configuration(self) -> dict[str, Any]:
        """Return everything that decides the bytes of the cohort, as plain values."""
        # A preset mentions neither groups nor a demand that it does not have.
        preset = {
            key: value
            for key, value in asdict(self.preset).items()
            if value != () and value is not False
        }
        return {
            "simulated": True,
            "bundle_version": bonescan.__version__,
            "simulator": SIMULATOR,
            # Through JSON: no tuples, so that it equals what is read back from the file.
            "preset": json.loads(json.dumps(preset)),
            "patients": self.patients,
            "seed": self.seed,
            "python": platform.python_version(),
            "libraries": {name: version(name) for name in LIBRARIES},
        }


def simulate_cohort(cohort: Cohort, *, workers: int = 1, cluster: str | None = None) -> None:
    """Simulate the patients that are missing, then write the files of the whole cohort.

    Args:
        cohort: what to make and where; the folder is created.
        workers: processes that simulate; 1 simulates in this process.
        cluster: address of a Dask cluster that simulates instead.

    Raises:
        ValueError: if the folder holds something else, there are no workers, or the cluster is not
            fit.
        OSError: if the folder cannot be written.
    """
    if workers < 1:
        raise ValueError(f"number of workers must be 1 or more, got {workers}")
    _claim(cohort)
    missing = [origin for origin in cohort.origins if not (cohort.folder / origin.folder).exists()]
    done = cohort.patients - len(missing)
    with (
        tqdm(total=cohort.patients, initial=done, unit="patient", desc="Simulate") as bar,
        # Closed whatever happens in between, so that no worker outlives an interruption.
        closing(
            run_each(simulate_one, missing, cohort.folder, workers=workers, cluster=cluster)
        ) as finished,
    ):
        for _ in finished:
            bar.update()
    _write_summary(cohort)


def _claim(cohort: Cohort) -> None:
    """Make the folder this cohort's, or refuse it; drop what an interrupted run left behind."""
    cohort.folder.mkdir(parents=True, exist_ok=True)
    path = cohort.folder / CONFIGURATION_FILE
    wanted = cohort.configuration()
    if path.exists():
        _check_same(path, wanted)
    elif any(not path.name.startswith(PARTIAL_PREFIX) for path in cohort.folder.iterdir()):
        raise ValueError(
            f"{cohort.folder} must be empty or hold a cohort that was begun before, got other "
            "files; choose another folder"
        )
    else:
        write_text(path, yaml.safe_dump(wanted, sort_keys=False))
    for left_over in cohort.folder.glob(f"{PARTIAL_PREFIX}*"):
        if left_over.is_dir():
            shutil.rmtree(left_over)
        else:
            left_over.unlink()


def _check_same(path: Path, wanted: dict[str, Any]) -> None:
    """Refuse a folder that was made from something else."""
    try:
        stored = yaml.safe_load(path.read_text())
    except yaml.YAMLError as err:
        raise ValueError(f"{path} must be the configuration of a cohort, got broken YAML") from err
    stored = stored if isinstance(stored, dict) else {}
    different = [key for key in wanted if stored.get(key) != wanted[key]]
    if different:
        raise ValueError(
            f"{path.parent} must hold a cohort of the same {', '.join(different)}, got one that "
            "was made otherwise; choose another folder or delete this one"
        )


def simulate_one(origin: PatientOrigin, folder: Path) -> str:
    """Simulate one patient into a folder of the cohort that appears only when complete.

    A patient that is there is left alone: a cluster that lost a worker asks for its patients again.

    Returns:
        The name of the patient.
    """
    if (folder / origin.folder).exists():
        return origin.folder
    # A name of this process's own: a worker that was given up may still be writing.
    partial = folder / f"{PARTIAL_PREFIX}{origin.folder}-{platform.node()}-{os.getpid()}"
    partial.mkdir()
    try:
        patient = simulate_patient(origin.preset, seed=origin.seed, number=origin.number)
        write_patient(patient, origin, partial)
        partial.rename(folder / origin.folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return origin.folder


def _write_summary(cohort: Cohort) -> None:
    """Write the table of clinical facts, the datalist and the README from the patients' files."""
    truths = [read_truth(cohort.folder / origin.folder) for origin in cohort.origins]
    rows = [ClinicalFacts(**truth["clinical"]) for truth in truths]
    datalist = make_datalist(truths, name=cohort.preset.name, seed=cohort.seed)
    readme = make_readme(cohort.configuration(), truths, datalist)
    write_text(cohort.folder / CLINICAL_FILE, clinical_table(rows))
    write_json(cohort.folder / DATALIST_FILE, datalist, indent=1)
    write_text(cohort.folder / README_FILE, readme)
