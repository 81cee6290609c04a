"""The evaluated images of a row over all of its runs: what every figure of a page is made of."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.metrics.pixel import OUTCOMES, has_foreground, per_image, pooled
from bonescan.report.tables import write_csv
from bonescan.run_folder import IMAGE_ROWS

POOLED, PER_IMAGE, WITH_LESION = "pooled", "per_image", "per_image_with_lesion"
CONVENTIONS = (POOLED, PER_IMAGE, WITH_LESION)
"""How a run's metrics are computed (see bonescan.metrics.pixel); the last one leaves out the images
whose truth has no lesion."""

IMAGES_ENDING = "_images.csv"
"""Of the table of images beside the document of an experiment."""


@dataclass(frozen=True)
class RowImages:
    """All evaluated images of a row, over all of its runs.

    Attributes:
        confusion: bonescan.metrics.pixel.OUTCOMES (image, 4).
        patients: the patient of each image.
        keys: what tells each image from the others of a run: (scan, form).
        runs: name of the run of each image.
    """

    confusion: NDArray[np.int64]
    patients: Sequence[str]
    keys: Sequence[tuple[str, str]]
    runs: Sequence[str]

    @property
    def with_lesion(self) -> NDArray[np.bool_]:
        """Whether the truth of each image has a lesion."""
        return has_foreground(self.confusion)

    def take(self, chosen: Sequence[int] | NDArray[np.intp]) -> "RowImages":
        """Return some of the images, in the order given."""
        return RowImages(
            confusion=self.confusion[np.asarray(chosen, dtype=np.intp)],
            patients=[self.patients[i] for i in chosen],
            keys=[self.keys[i] for i in chosen],
            runs=[self.runs[i] for i in chosen],
        )

    def counted(self, convention: str) -> "RowImages":
        """Return the images that count by a convention, sorted by run and image.

        Raises:
            ValueError: if no image counts.
        """
        every = range(len(self.keys))
        counts = self.with_lesion if convention == WITH_LESION else np.ones(len(every), bool)
        if not counts.any():
            raise ValueError("images must include one with a lesion, got none")
        order = sorted((i for i in every if counts[i]), key=lambda i: (self.runs[i], *self.keys[i]))
        return self.take(order)

    def by_run(self) -> list["RowImages"]:
        """Return the images of each run, in the order of the runs' names."""
        runs = np.asarray(self.runs)
        return [self.take(np.flatnonzero(runs == run)) for run in np.unique(runs)]


def score_run(
    images: RowImages, convention: str, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Compute METRICS of the counted images of one run.

    Args:
        images: of one run, counted by the convention.
        convention: of CONVENTIONS.
        weights: (..., image), how often each image counts; once each if not given.

    Returns:
        (..., metric).
    """
    score = pooled if convention == POOLED else per_image
    return score(images.confusion, weights)


def score_without_each(images: RowImages, convention: str) -> NDArray[np.float64]:
    """Compute METRICS of one run without each patient in turn, for the jackknife.

    Args:
        images: see `score_run`; of two patients at least.
        convention: of CONVENTIONS.

    Returns:
        (patient, metric), patients in the order of their names.
    """
    names, owner = np.unique(np.asarray(images.patients), return_inverse=True)
    return score_run(images, convention, (owner != np.arange(len(names))[:, None]).astype(float))


def read_images(evaluations: Mapping[str, Path]) -> RowImages:
    """Gather the images of a row's runs.

    Args:
        evaluations: folder of each run's evaluation, by name of the run.
    """
    rows: list[dict[str, Any]] = []
    for run, folder in evaluations.items():
        with (folder / IMAGE_ROWS).open(newline="", encoding="utf-8") as file:
            rows += [{**row, "run": run} for row in csv.DictReader(file)]
    return _to_images(rows)


def write_published_images(path: Path, rows: Mapping[str, RowImages]) -> None:
    """Write the confusion of every image of every run, by id of the row, as CSV."""
    write_csv(
        path,
        [
            {
                "row": row_id,
                "run": images.runs[i],
                "scan_id": images.keys[i][0],
                "form": images.keys[i][1],
                "patient": images.patients[i],
                **dict(zip(OUTCOMES, images.confusion[i].tolist(), strict=True)),
            }
            for row_id, images in rows.items()
            for i in range(len(images.keys))
        ],
    )


def read_published_images(path: Path) -> dict[str, RowImages]:
    """Read what write_published_images wrote."""
    by_row: dict[str, list[dict[str, Any]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_row.setdefault(row["row"], []).append(row)
    return {row_id: _to_images(rows) for row_id, rows in by_row.items()}


def _to_images(rows: Sequence[Mapping[str, Any]]) -> RowImages:
    return RowImages(
        confusion=np.array([[int(row[name]) for name in OUTCOMES] for row in rows]),
        patients=[row["patient"] for row in rows],
        keys=[(row["scan_id"], row["form"]) for row in rows],
        runs=[row["run"] for row in rows],
    )
