"""Compare what is said of the views of a scan with what their images look like."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bonescan.dicom.content import CERTAIN, LIKELY, Look, correlate_sides
from bonescan.dicom.scan import ContentCheck, ViewSource
from bonescan.dicom.views import DecidedViews, how_by_hand
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

MIRRORED_LIKELY, MIRRORED_CERTAIN = -0.4, -0.6
"""Correlations of the sides at which one view of a pair is mirrored. Simulated views of one patient
correlate by 0.6 to 0.97, mirrored ones by as much below zero."""

_UNNAMED = frozenset({ViewSource.ORDER, ViewSource.GUESS})
"""What tells views that nothing names: a likely look is better evidence."""


@dataclass(frozen=True)
class _Conflict:
    what: str
    certain: bool


def check_content(
    decided: DecidedViews, looks: Sequence[Look], name: str, *, one_acquisition: bool = True
) -> ContentCheck:
    """Check that the images look like the views that they are said to be.

    A contradiction that is certain refuses the scan, and so does a likely one if nothing names the
    views. What was said by hand stands. Whatever is not refused is warned of.

    Args:
        decided: the views of the frames, and what told them.
        looks: what each frame looks like.
        name: of the file, for messages.
        one_acquisition: whether both frames were taken at once: then their sides are compared.

    Returns:
        The outcome, of all frames together.

    Raises:
        ScanError: if an image contradicts what is said; says how, and how to overrule it.
    """
    conflicts = list(_find_conflicts(decided, looks, one_acquisition=one_acquisition))
    if not conflicts:
        seen = any(look.prob >= LIKELY for look in looks)
        return ContentCheck.AGREES if seen else ContentCheck.UNSURE
    told = f"{name}: the image contradicts what is said of it: " + "; ".join(
        conflict.what for conflict in conflicts
    )
    believed = decided.source in _UNNAMED or any(one.certain for one in conflicts)
    if believed and decided.source is not ViewSource.BY_HAND:
        raise ScanError(
            f"{told}. Look at the scan: export it as it was acquired, or, if it is right, say by "
            f"hand which view the first frame is: {how_by_hand(name, decided.views[0])}"
        )
    logger.warning("%s; look at the scan", told)
    return ContentCheck.CONTRADICTS


def _find_conflicts(
    decided: DecidedViews, looks: Sequence[Look], *, one_acquisition: bool
) -> Iterator[_Conflict]:
    for view, look in zip(decided.views, looks, strict=True):
        if look.prob >= LIKELY and (look.view is not view or look.upside_down):
            what = f"the {view} view ({decided.source}) looks {look} (probability {look.prob:.4f})"
            yield _Conflict(what, look.prob >= CERTAIN)
    if len(looks) == 2 and one_acquisition:
        correlation = correlate_sides(*looks)
        if correlation <= MIRRORED_LIKELY:
            what = f"one view looks mirrored (correlation of the sides {correlation:.2f})"
            yield _Conflict(what, correlation <= MIRRORED_CERTAIN)
