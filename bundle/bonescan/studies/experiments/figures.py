"""The figures of a page's tables, computed from the confusion of each image and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bonescan.studies.experiments.row_images import RowImages
from bonescan.studies.experiments.statistics import (
    LEAST_TRAININGS,
    compare,
    estimate,
    holm,
    to_entry,
)


def measure(images: RowImages, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Compute the metrics of a row.

    Args:
        images: of all of its runs.
        document: of the experiment: metrics, convention and test_to_training.

    Returns:
        A bonescan.studies.experiments.statistics.Estimate for JSON, by metric.
    """
    estimates = estimate(
        images,
        document["metrics"],
        document["convention"],
        test_to_training=document["data"]["test_to_training"],
    )
    return {name: to_entry(value) for name, value in estimates.items()}


def compare_pairs(
    pairs: Sequence[tuple[RowImages, RowImages]], document: Mapping[str, Any]
) -> list[dict[str, Any] | None]:
    """Compare pairs of rows in the first metric; the p-values are corrected for their number.

    Args:
        pairs: images of a row, and of the row that it is compared with.
        document: see `measure`.

    Returns:
        A bonescan.studies.experiments.statistics.Comparison for JSON, with "p_holm", for each pair;
        None where one has too few trainings.
    """
    entries = [_compare_pair(*pair, document) for pair in pairs]
    tested = [entry for entry in entries if entry and entry["p"] is not None]
    for entry, corrected in zip(tested, holm([entry["p"] for entry in tested]), strict=True):
        entry["p_holm"] = corrected
    return entries


def _compare_pair(
    row: RowImages, other: RowImages, document: Mapping[str, Any]
) -> dict[str, Any] | None:
    if len(set(row.runs)) < LEAST_TRAININGS:
        return None
    comparison = compare(
        row,
        other,
        document["metrics"][0],
        document["convention"],
        test_to_training=document["data"]["test_to_training"],
    )
    return {**to_entry(comparison), "p_holm": None}


def find_deviations(document: Mapping[str, Any], images: Mapping[str, RowImages]) -> Iterator[str]:
    """Name the figures of a document that its images do not give.

    Args:
        document: of an experiment, as bonescan.studies.experiments.results writes it.
        images: of its rows by id.
    """
    for row in document["rows"]:
        if measure(images[row["id"]], document) != row["measured"]:
            yield f"metrics of {row['name']}"
    comparisons = document["comparisons"]
    pairs = [(images[item["row_id"]], images[item["reference_id"]]) for item in comparisons]
    for item, tested in zip(comparisons, compare_pairs(pairs, document), strict=True):
        if tested != item["tested"]:
            yield f"comparison of {item['row']} with {item['reference']}"
