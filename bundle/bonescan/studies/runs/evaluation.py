"""The evaluation in a run's folder, and whether two of them are of the same images."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonescan.labels import LABEL_NAMES, Label
from bonescan.report.image_results import ImageResult
from bonescan.report.tables import read_image_csv
from bonescan.run_folder import EVALUATED_IMAGES, EVALUATION, IMAGE_ROWS, RECORD, SUMMARY_JSON

METASTASIS = LABEL_NAMES[Label.METASTASIS]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a run's evaluation says of metastases.

    Attributes:
        summary: document of bonescan.report.image_results.summarise, with the operating point.
        results: the record of each image, ordered by patient and form.
        data_sha256: hash of the data.
        images_file: masks of all images; None where they were not kept.
        written: when, in seconds of the file system's clock.
    """

    summary: Mapping[str, Any]
    results: Sequence[ImageResult]
    data_sha256: str
    images_file: Path | None
    written: float


def read_evaluation(folder: Path) -> Evaluation:
    """Read the evaluation of a run.

    Raises:
        ValueError: if there is none, it is damaged, or it says nothing of pixels of metastases; as
            a sentence without its full stop.
    """
    inside = folder / EVALUATION
    if not (inside / SUMMARY_JSON).is_file():
        raise ValueError("Not evaluated: bonescan evaluate does it")
    try:
        document = json.loads((inside / SUMMARY_JSON).read_text(encoding="utf-8"))
        data_sha256 = json.loads((inside / RECORD).read_text(encoding="utf-8"))["data_sha256"]
        summary = _find_summary(document)
        results = read_image_csv(inside / IMAGE_ROWS, Label.METASTASIS) if summary else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise ValueError(f"Its evaluation cannot be read ({err}): evaluate it again") from err
    if not summary or not results:
        raise ValueError("Its evaluation says nothing of which pixels are metastases")
    images = inside / EVALUATED_IMAGES
    return Evaluation(
        summary=summary,
        results=results,
        data_sha256=data_sha256,
        images_file=images if images.is_file() else None,
        written=(inside / SUMMARY_JSON).stat().st_mtime,
    )


def why_not_comparable(first: Evaluation, other: Evaluation) -> str:
    """Say why figures of two evaluations do not compare; nothing where they do.

    Both must be of the same data, images and true pixels: another field or pixel size makes
    other figures of the same scan.
    """
    if first.data_sha256 != other.data_sha256:
        return "evaluated on other data"
    keys, other_keys = ({result.key for result in each.results} for each in (first, other))
    if keys != other_keys:
        patients, others = ({result.patient for result in each.results} for each in (first, other))
        if patients != others:
            return "evaluated on other test patients of the same data"
        return "evaluated on other images of the same patients"
    if any(
        _pixels(result) != _pixels(same)
        for result, same in zip(first.results, other.results, strict=True)
    ):
        return "evaluated on other pixels of the same images: another field, pixel size or truth"
    return ""


def _pixels(result: ImageResult) -> tuple[int, int, int]:
    """Return the numbers of all pixels, of true ones and of true lesions of an image."""
    tp, _, fn, _ = result.confusion.tolist()
    return int(result.confusion.sum()), tp + fn, result.n_lesions


def _find_summary(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the summary of the system itself, which stands first, for metastases."""
    systems = document.get(METASTASIS, document)
    first = next(iter(systems.values()), None)
    is_of_pixels = isinstance(first, Mapping) and {"pooled", "detection"} <= set(first)
    return first if is_of_pixels else None
