"""A cohort of simulated patients on disk, made by any number of workers, in one go or in several.

Each patient depends on preset, seed and its number only, is written into a temporary folder and
renamed when complete. Files of the whole cohort are written last, from those of the patients.
"""

import json
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bonescan.data.datalist import DATALIST_FILE
from bonescan.files import write_json, write_text
from bonescan.phantom.bank import Bank
from bonescan.phantom.body_source import BodySource, draw_new_body
from bonescan.phantom.files.claim import claim_folder, make_once, versions
from bonescan.phantom.files.clinical import ClinicalFacts, clinical_table
from bonescan.phantom.files.cohort_files import (
    FOLLOW_UP_FILE,
    make_datalist,
    make_follow_up_datalist,
    make_readme,
)
from bonescan.phantom.files.patient_files import (
    FOLLOW_UP_STREAM,
    PatientOrigin,
    read_truth,
    write_follow_up,
    write_patient,
)
from bonescan.phantom.follow_up import simulate_follow_up
from bonescan.phantom.groups import find_follow_up
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import Preset
from bonescan.processes import run_each

CONFIGURATION_FILE = "cohort.yaml"
CLINICAL_FILE = "clinical.csv"
README_FILE = "README.md"


@dataclass(frozen=True)
class Cohort:
    """What a cohort is made from, and where.

    Attributes:
        preset: what the patients are like.
        patients: how many.
        seed: 0 or more.
        folder: where the cohort lies.
        bank: where the patients' bodies come from; new ones where there is none.
    """

    preset: Preset
    patients: int
    seed: int
    folder: Path
    bank: Bank | None = None

    def __post_init__(self) -> None:
        if self.patients < 1:
            raise ValueError(f"number of patients must be 1 or more, got {self.patients}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")
        if self.bank is not None:
            self.bank.check_fits(self.preset)

    @property
    def origins(self) -> tuple[PatientOrigin, ...]:
        """What the first scan of each patient is made from; numbers start at 1."""
        return tuple(
            PatientOrigin(self.preset, self.seed, number) for number in range(1, self.patients + 1)
        )

    @property
    def follow_ups(self) -> tuple[PatientOrigin, ...]:
        """What the second scans are made from, of the patients who have one."""
        return tuple(
            replace(origin, visit=2)
            for origin in self.origins
            if find_follow_up(self.preset, origin.number) is not None
        )

    def configuration(self) -> dict[str, Any]:
        """Return everything that decides the bytes of the cohort, as plain values."""
        # A preset mentions neither groups nor a demand that it does not have.
        preset = {
            key: value
            for key, value in asdict(self.preset, dict_factory=_without_none).items()
            if value != () and value is not False
        }
        return {
            "simulated": True,
            **versions(),
            # Through JSON: no tuples, so that it equals what is read back from the file.
            "preset": json.loads(json.dumps(preset)),
            "patients": self.patients,
            "seed": self.seed,
            "bank": None if self.bank is None else self.bank.summary(),
        }


def _without_none(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in items if value is not None}


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
    claim_folder(cohort.folder, CONFIGURATION_FILE, cohort.configuration(), "cohort")
    bodies = draw_new_body if cohort.bank is None else cohort.bank.draw
    simulate = partial(simulate_one, bodies=bodies)
    origins = (*cohort.origins, *cohort.follow_ups)
    missing = [origin for origin in origins if not (cohort.folder / origin.folder).exists()]
    done = len(origins) - len(missing)
    with (
        tqdm(total=len(origins), initial=done, unit="scan", desc="Simulate") as bar,
        # Closed whatever happens in between, so that no worker outlives an interruption.
        closing(
            run_each(simulate, missing, cohort.folder, workers=workers, cluster=cluster)
        ) as finished,
    ):
        for _ in finished:
            bar.update()
    _write_summary(cohort)


def simulate_one(origin: PatientOrigin, folder: Path, *, bodies: BodySource = draw_new_body) -> str:
    """Simulate one scan of a patient into a folder of the cohort that appears only when complete.

    Returns:
        The name of the folder.
    """

    def write(partial: Path) -> None:
        if origin.visit > 1:
            rng = origin.generator(FOLLOW_UP_STREAM)
            follow_up = simulate_follow_up(
                origin.preset, seed=origin.seed, number=origin.number, rng=rng, bodies=bodies
            )
            write_follow_up(follow_up, origin, partial)
            return
        patient = simulate_patient(
            origin.preset, seed=origin.seed, number=origin.number, bodies=bodies
        )
        write_patient(patient, origin, partial)

    return make_once(folder, origin.folder, write)


def _write_summary(cohort: Cohort) -> None:
    """Write the table of clinical facts, the datalist and the README from the patients' files."""
    truths = [read_truth(cohort.folder / origin.folder) for origin in cohort.origins]
    rows = [ClinicalFacts(**truth["clinical"]) for truth in truths]
    datalist = make_datalist(truths, name=cohort.preset.name, seed=cohort.seed)
    readme = make_readme(cohort.configuration(), truths, datalist)
    write_text(cohort.folder / CLINICAL_FILE, clinical_table(rows))
    write_json(cohort.folder / DATALIST_FILE, datalist, indent=1)
    later = [read_truth(cohort.folder / origin.folder) for origin in cohort.follow_ups]
    if later:
        follow_ups = make_follow_up_datalist(later, datalist)
        write_json(cohort.folder / FOLLOW_UP_FILE, follow_ups, indent=1)
    write_text(cohort.folder / README_FILE, readme)
