"""What an experiment is run on: a simulated cohort, a set of its images, datalists of its parts."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonescan.data.datalist import DATALIST_FILE, TEST, TRAINING, read_datalist
from bonescan.data.folds import assign_folds
from bonescan.keys import FOLD, PATIENT
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import find_preset
from bonescan.prepare.image_set import PATIENT_OF_IMAGE, make_image_set
from bonescan.studies.experiments.experiment import CohortPart, Experiment, Profile

SEED = 0
"""Of the cohort, of the images and of the folds."""


@dataclass(frozen=True)
class ExperimentData:
    """Data of an experiment on disk.

    Attributes:
        folder: where the datalist lies; its name tells data of different make apart.
        datalist: datalist of the cohort or of its set of images.
        named: the experiment's own datalists, by name.
        originals: number of images before augmentation; None without a set of images.
        cropped: whether the images are thorax crops already.
    """

    folder: Path
    datalist: Path
    named: Mapping[str, Path]
    originals: int | None = None
    cropped: bool = False

    def find(self, name: str | None) -> Path:
        """Return a datalist by its name; the cohort's own for None."""
        return self.datalist if name is None else self.named[name]


def prepare(
    experiment: Experiment, profile: Profile, folder: Path, *, split: str = "patient"
) -> ExperimentData:
    """Make what is not there yet; an interrupted preparation goes on where it stopped.

    Args:
        experiment: what is to be run.
        profile: how large.
        folder: of all data of experiments.
        split: "patient", or "image" to deal single images of a set to training and test as some
            papers did, which puts copies of one patient on both sides.

    Raises:
        ValueError: if a split by image is asked of whole scans, or the folder holds other data.
    """
    if split == "image" and profile.images is None:
        raise ValueError(
            f"{experiment.name}: split must be 'patient': its images are whole scans, one a patient"
        )
    name = f"{experiment.preset}-{profile.patients}"
    cohort = Cohort(find_preset(experiment.preset), profile.patients, SEED, folder / name)
    simulate_cohort(cohort, workers=os.cpu_count() or 1)
    datalist = cohort.folder / DATALIST_FILE
    if profile.images is None:
        named = {
            key: _write_groups(datalist, sections, folds=profile.folds, name=key)
            for key, sections in experiment.datalists.items()
        }
        return ExperimentData(cohort.folder, datalist, named)
    images = folder / _name_images(name, profile, split)
    originals = make_image_set(
        datalist,
        images,
        total=profile.images.total,
        selected=profile.images.selected,
        split=split,
        seed=SEED,
    )
    return ExperimentData(images, images / DATALIST_FILE, {}, originals, cropped=True)


def _name_images(cohort: str, profile: Profile, split: str) -> str:
    """Name a set of images after all that it is made of."""
    if profile.images is None:
        raise ValueError("profile must have a set of images")
    selected = "all" if profile.images.selected is None else profile.images.selected
    total = "originals" if profile.images.total is None else profile.images.total
    return f"{cohort}-{selected}-{total}-by-{split}"


def _write_groups(
    datalist: Path, sections: Mapping[str, CohortPart], *, folds: int, name: str
) -> Path:
    """Write a datalist whose sections are groups of a cohort; training is dealt into folds."""
    entries = [entry for part in read_datalist(datalist).values() for entry in part]
    content: dict[str, Any] = {"name": name, "description": "Parts of a simulated cohort"}
    for section, group in sections.items():
        chosen = [
            {key: value for key, value in entry.items() if key != FOLD}
            for entry in entries
            if entry["primary"] == group.primary and bool(entry["lesions"]) == group.metastases
        ]
        content[section] = _with_folds(chosen, folds) if section == TRAINING else chosen
    path = datalist.with_name(f"{name}-{folds}-folds.json")
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _with_folds(entries: Sequence[Mapping[str, Any]], folds: int) -> list[dict[str, Any]]:
    fold_of = assign_folds(dict.fromkeys((e[PATIENT] for e in entries), 0), folds=folds, seed=SEED)
    return [{**entry, FOLD: fold_of[entry[PATIENT]]} for entry in entries]


def count_images(material: ExperimentData, *, lesion_percent: float) -> dict[str, float]:
    """Count a set of images by DATASET_FIGURES."""
    content = read_datalist(material.datalist)
    parts = {section: len(content.get(section, [])) for section in (TRAINING, TEST)}
    patients = {
        entry.get(PATIENT_OF_IMAGE, entry[PATIENT]) for part in content.values() for entry in part
    }
    return {
        "patients": len(patients),
        "originals": material.originals or 0,
        "images": sum(parts.values()),
        **parts,
        "lesion_percent": lesion_percent,
    }
