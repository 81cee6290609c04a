"""What an experiment is run on: a simulated cohort, image sets and datalists made of it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonescan.data.datalist import DATALIST_FILE, TEST, TRAINING, read_datalist
from bonescan.data.folds import assign_folds
from bonescan.files import write_json
from bonescan.keys import FOLD, PATIENT, patient_of
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.files.cohort_files import TEST_SHARE, make_datalist
from bonescan.phantom.files.patient_files import read_truth
from bonescan.phantom.presets import find_preset
from bonescan.prepare.image_set import make_image_set
from bonescan.studies.experiments.experiment import CohortPart, Experiment, ImageSet, Profile

WHOLE_COHORT = "cohort"
"""Name of the data of an experiment that makes neither image sets nor datalists of its cohort."""


@dataclass(frozen=True)
class DataSet:
    """A data set on disk.

    Attributes:
        name: tells data of different make apart; the folders of runs have it.
        datalist: its datalist.
        originals: number of images before augmentation; None for whole scans.
    """

    name: str
    datalist: Path
    originals: int | None = None

    @property
    def cropped(self) -> bool:
        """Whether its images are thorax crops already."""
        return self.originals is not None


@dataclass(frozen=True)
class ExperimentData:
    """The data sets of an experiment.

    Attributes:
        sets: by name, one or more.
    """

    sets: Mapping[str, DataSet]

    def find(self, name: str | None) -> DataSet:
        """Return a data set by its name; the first one for None."""
        return next(iter(self.sets.values())) if name is None else self.sets[name]


def prepare(
    experiment: Experiment,
    profile: Profile,
    folder: Path,
    *,
    split: str = "patient",
    cluster: str | None = None,
) -> ExperimentData:
    """Make what is not there yet; an interrupted preparation goes on where it stopped.

    Args:
        experiment: what is to be run.
        profile: how large.
        folder: of all data of experiments.
        split: "patient", or "image" to deal single images of a set to training and test as some
            papers did, which puts copies of one patient on both sides.
        cluster: address of a Dask cluster that simulates; the cores of this machine if not given.

    Raises:
        ValueError: if a split by image is asked of whole scans, or the folder holds other data.
    """
    if split == "image" and not profile.image_sets:
        raise ValueError(
            f"{experiment.name}: split must be 'patient': its images are whole scans, one a patient"
        )
    seed = profile.cohort_seed
    folder_name = f"{experiment.preset}-{profile.patients}-seed{seed}"
    cohort = Cohort(find_preset(experiment.preset), profile.patients, seed, folder / folder_name)
    simulate_cohort(cohort, workers=os.cpu_count() or 1, cluster=cluster)
    scans = _hold_out(cohort, profile.test_share)
    image_sets = {
        name: _make_images(scans, image_set, folder, split=split, seed=seed)
        for name, image_set in profile.image_sets.items()
    }
    parts = {
        name: _make_datalist(cohort, sections, folds=profile.folds, name=name)
        for name, sections in experiment.datalists.items()
    }
    return ExperimentData({**image_sets, **parts} or {WHOLE_COHORT: scans})


def _hold_out(cohort: Cohort, test_share: float) -> DataSet:
    """Return the scans of a cohort, of which this share is held out for testing."""
    name, path = cohort.folder.name, cohort.folder / DATALIST_FILE
    if test_share != TEST_SHARE:
        name, path = f"{name}-test-{test_share}", path.with_stem(f"{path.stem}-test-{test_share}")
        truths = [read_truth(cohort.folder / origin.folder) for origin in cohort.origins]
        content = make_datalist(
            truths, name=cohort.preset.name, seed=cohort.seed, test_share=test_share
        )
        write_json(path, content, indent=1)
    return DataSet(name, path)


def _make_images(
    scans: DataSet, image_set: ImageSet, folder: Path, *, split: str, seed: int
) -> DataSet:
    """Make an image set in a folder that is named after all that it is made of."""
    selected = "all" if image_set.selected is None else image_set.selected
    total = "originals" if image_set.total is None else image_set.total
    name = f"{scans.name}-{selected}-{total}-by-{split}"
    originals = make_image_set(
        scans.datalist,
        folder / name,
        total=image_set.total,
        selected=image_set.selected,
        split=split,
        seed=seed,
    )
    return DataSet(name, folder / name / DATALIST_FILE, originals)


def _make_datalist(
    cohort: Cohort, sections: Mapping[str, CohortPart], *, folds: int, name: str
) -> DataSet:
    """Write a datalist whose sections are parts of a cohort; training is dealt into folds."""
    datalist = cohort.folder / DATALIST_FILE
    entries = [entry for section in read_datalist(datalist).values() for entry in section]
    content: dict[str, Any] = {"name": name, "description": "Parts of a simulated cohort"}
    for section, part in sections.items():
        chosen = [
            {key: value for key, value in entry.items() if key != FOLD}
            for entry in entries
            if entry["primary"] == part.primary and bool(entry["lesions"]) == part.metastases
        ]
        content[section] = (
            _with_folds(chosen, folds, cohort.seed) if section == TRAINING else chosen
        )
    path = datalist.with_name(f"{name}-{folds}-folds.json")
    write_json(path, content, indent=1)
    return DataSet(cohort.folder.name, path)


def _with_folds(
    entries: Sequence[Mapping[str, Any]], folds: int, seed: int
) -> list[dict[str, Any]]:
    fold_of = assign_folds(dict.fromkeys((e[PATIENT] for e in entries), 0), folds=folds, seed=seed)
    return [{**entry, FOLD: fold_of[entry[PATIENT]]} for entry in entries]


def count_images(images: DataSet, *, lesion_percent: float) -> dict[str, float]:
    """Count an image set by IMAGE_SET_FACTS."""
    content = read_datalist(images.datalist)
    sections = {name: len(content.get(name, [])) for name in (TRAINING, TEST)}
    patients = {patient_of(entry, "") for section in content.values() for entry in section}
    return {
        "patients": len(patients),
        "originals": images.originals or 0,
        "images": sum(sections.values()),
        **sections,
        "lesion_percent": lesion_percent,
    }
