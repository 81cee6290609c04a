"""A set of label maps on disk: one NIfTI view stack per scan, and the datalist of the scans."""

import logging
import os
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.data.datalist import DATALIST_FILE, TRAINING, rename_files
from bonescan.data.entry import FILE_KEYS
from bonescan.data.folds import assign_folds
from bonescan.data.nifti import ViewStack, write_view_stack
from bonescan.files import write_json
from bonescan.keys import FOLD, IMAGE, LABEL, PATIENT
from bonescan.labels import LABEL_NAMES, Label

logger = logging.getLogger(__name__)

LABELS_FOLDER = "labels"


@dataclass
class LabelMapSet:
    """Label maps that are written one by one, then listed.

    Attributes:
        folder: where to write.
        sections: entries of the datalist by section.
        strata: what each patient is like, for dealing patients to folds.
    """

    folder: Path
    sections: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    strata: dict[str, Hashable] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of scans."""
        return sum(map(len, self.sections.values()))

    def add(self, key: str, section: str, entry: Mapping[str, Any], label: ViewStack) -> None:
        """Write the label map of one scan.

        Args:
            key: name of the file.
            section: section of the datalist.
            entry: the scan's entry, with the paths of its image and its patient; its other fields
                that are no files are kept.
            label: the map.

        Raises:
            ValueError: if another scan of the set has this key.
        """
        name = f"{LABELS_FOLDER}/{key}.nii.gz"
        if any(entry[LABEL] == name for entries in self.sections.values() for entry in entries):
            raise ValueError(f"scans must have keys of their own, got two named {key!r}")
        (self.folder / LABELS_FOLDER).mkdir(parents=True, exist_ok=True)
        write_view_stack(
            self.folder / name, label.array.astype(np.uint8), label.spacing_mm, label.views
        )
        others = {field: value for field, value in entry.items() if field not in FILE_KEYS}
        image = rename_files(entry, lambda path: os.path.relpath(path, self.folder))[IMAGE]
        self.sections[section].append({IMAGE: image, LABEL: name, **others})
        self._count(section, entry[PATIENT], label.array)

    def write_datalist(self, description: str, *, folds: int, seed: int) -> Path:
        """Write the datalist.

        Patients of the training section are dealt to folds, unless all of its entries have one.

        Args:
            description: where the labels come from.
            folds: number of folds; no more than there are patients.
            seed: of dealing.

        Returns:
            The datalist's path.

        Raises:
            ValueError: if there are no folds.
        """
        training = self.sections.get(TRAINING, [])
        if any(FOLD not in entry for entry in training):
            possible = min(folds, len(self.strata))
            if possible < folds:
                logger.warning("%d folds for as many patients, not %d", possible, folds)
            fold_of = assign_folds(self.strata, folds=possible, seed=seed)
            for entry in training:
                entry[FOLD] = fold_of[entry[PATIENT]]
        content = {
            "name": self.folder.resolve().name,
            "description": description,
            "labels": {str(value): name for value, name in LABEL_NAMES.items()},
            **self.sections,
        }
        path = self.folder / DATALIST_FILE
        write_json(path, content, indent=1)
        return path

    def _count(self, section: str, patient: str, label: NDArray) -> None:
        """Note whether a patient of the training section has metastases, in any of the scans."""
        if section == TRAINING:
            has_lesion = bool((label == Label.METASTASIS).any())
            self.strata[patient] = has_lesion or self.strata.get(patient, False)
