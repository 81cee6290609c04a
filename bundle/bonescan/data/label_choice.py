"""Whose labels a training uses: what the datalist says of an entry, and a share of the patients."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bonescan.keys import GENERATED, LABEL, LABELLED, PATIENT

logger = logging.getLogger(__name__)


def drop_label(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry without its label if it says that it is not labelled."""
    return _without_label(entry) if entry.get(LABELLED) is False else dict(entry)


def keep_labels(
    entries: Sequence[Mapping[str, Any]], where: str, *, fraction: float, seed: int
) -> list[dict[str, Any]]:
    """Keep the labels of some patients, drawn by a seed, and take those of the others away.

    With one seed the patients of a smaller share are among those of a larger one.

    Args:
        entries: of a datalist.
        where: file and section, for messages.
        fraction: share of all patients of these entries, with and without labels, whose labels are
            kept: to the nearest whole number, but one at least. 0 takes all labels away, and 1
            leaves all as they are. Where fewer have labels, these keep theirs. Generated images are
            of no patient.
        seed: of the draw.

    Raises:
        ValueError: if the fraction is not within 0 and 1, or an entry names no patient.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"labelled_fraction must be within 0 and 1, got {fraction}")
    if fraction == 1:
        return [dict(entry) for entry in entries]
    missing = sum(PATIENT not in entry for entry in entries)
    if missing:
        raise ValueError(
            f"{where}: every entry must have {PATIENT!r} for a labelled_fraction, {missing} of "
            f"{len(entries)} have none"
        )
    patients = {str(entry[PATIENT]) for entry in entries if not entry.get(GENERATED)}
    labelled = sorted({str(entry[PATIENT]) for entry in entries if LABEL in entry})
    wanted = max(1, round(fraction * len(patients))) if fraction else 0
    drawn = set(np.random.default_rng(seed).permutation(labelled)[:wanted])
    logger.info(
        "%s: labels of %d of %d labelled patients are used, of %d patients in all",
        where,
        len(drawn),
        len(labelled),
        len(patients),
    )
    return [
        dict(entry) if str(entry[PATIENT]) in drawn else _without_label(entry) for entry in entries
    ]


def _without_label(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != LABEL}
