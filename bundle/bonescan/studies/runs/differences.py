"""Differences of runs: of their figures on the same images, and of their configurations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.metrics.bootstrap import RESAMPLES
from bonescan.metrics.lesion import DETECTION_METRICS, detection
from bonescan.report.image_results import (
    ImageResult,
    lesions_of,
    patients_of_units,
    with_interval,
)
from bonescan.studies.peers.figures import compare_rows

ABSENT = object()
"""Stands for a key that a configuration does not have."""
OF_EVERY_RUN = ("bundle_root", "output_dir", "resume", "show_progress")
"""Keys of a configuration that say nothing of what was trained."""


def compare_evaluations(
    results: Sequence[ImageResult],
    reference: Sequence[ImageResult],
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Compute differences of two systems on the same images: first minus reference.

    Returns:
        DSC as `pooled` and `per_image`, and DETECTION_METRICS at each one's operating point, with
        intervals over patients; each draw of patients is the same for both.

    Raises:
        ValueError: if the images are not the same in the same order.
    """
    of_pixels = compare_rows(results, reference, resamples=resamples)
    first, second = lesions_of(results), lesions_of(reference)

    def difference(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return detection(first, weights) - detection(second, weights)

    patients = patients_of_units(results)
    return of_pixels | with_interval(
        difference, patients, names=DETECTION_METRICS, resamples=resamples
    )


def differing_keys(configurations: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """List the keys in which configurations differ.

    Dictionaries are compared key by key, and lists item by item where all are of one length: keys
    are joined by `#`, as MONAI writes them.

    Args:
        configurations: as composed.

    Returns:
        The value of each configuration by key, ABSENT where it has none.
    """
    taken = [
        {key: value for key, value in each.items() if key not in OF_EVERY_RUN}
        for each in configurations
    ]
    return dict(_walk("", taken))


def _walk(key: str, values: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    if all(value == values[0] for value in values):
        return
    parts: Sequence[Any] = ()
    if all(isinstance(value, Mapping) for value in values):
        parts = list(dict.fromkeys(name for value in values for name in value))
        inner = [[value.get(part, ABSENT) for value in values] for part in parts]
    elif all(isinstance(value, list) for value in values) and len(set(map(len, values))) == 1:
        parts = range(len(values[0]))
        inner = [[value[part] for value in values] for part in parts]
    if not parts:
        yield key, list(values)
        return
    for part, each in zip(parts, inner, strict=True):
        yield from _walk(f"{key}#{part}" if key else str(part), each)
