"""What speaks against believing the result of a scan: flags, each with what was measured.

A movement of the patient is not flagged: no measure told simulated scans with one from those
without, unless the whole body moves during a pause (docs/explanation/measures.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import ContentCheck, View, ViewSource
from bonescan.labels import Label
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.transforms.body import find_body

LEAST_COUNTS = 1_500_000
"""Of a view of the whole body, as guidelines ask for (EANM 2016, SNMMI); modern cameras work with
less, so that it is a note."""

LEAST_PLATEAU_PX, LEAST_PLATEAU_COUNTS = 5, 50
"""As many pixels at one highest value of as many counts are no chance: where 50 counts are
expected, no value has more than 6 %, and the highest one of a scan stands nearly alone."""

USUAL_SPACING_MM = (1.0, 5.0)
"""Whole-body cameras have 2.2 to 2.4 mm, or half of it."""
MOST_OBLONG = 0.02
"""Part by which a pixel's sides may differ."""
USUAL_MATRICES = {(1024, 256), (1024, 512), (2048, 512)}
"""(rows, columns) of the cameras that the project knows."""

BELOW_PELVIS = 0.65
"""Part of the recorded rows, from the head, above which the bladder lies: the hips are at 0.5."""

EDGE_PX = 4
"""A body so near to the edge reaches it: the mask of the body ends short of the image's edge."""
LEAST_CUT_MM = 60.0
"""Length over which a body must reach the edge to be cut off there: an elbow. A default of ours."""

SMOOTH_MM = 4.0
"""Before single pixels are judged."""
RIM_MM, RIM_ROWS = 40.0, (0.2, 0.85)
"""The rim of the body: hands, elbows and the skin between the thighs, from the shoulders (part of
the body's length) to the shanks."""
HOT_RATIO = 6.0
"""Over the median of the body. Of 42 simulated scans, 16 of 35 with injection site, extravasation
or urine contamination reached it (many of them are faint), and none of the 7 without."""

BODY_PERCENTILES = (25.0, 95.0)
"""Of the body's smoothed counts: soft tissue, and bone."""
SUPERSCAN_RATIO = 17.5
"""Bone over soft tissue. Of 84 simulated scans the one of a diffuse disease reached 18, in one view
only; the others 17.4 at most."""


MOST_MARKED = 0.5
"""Part of the body in a view that lesions may cover: more is more likely a fault of the system than
disease. A default of ours; of 154 simulated views with lesions, their true outlines covered 11.5 %
at most."""


class Severity(StrEnum):
    """How much a flag takes from the result, the gravest first."""

    SERIOUS = "serious"
    """The result may be of the wrong side, view or place."""
    WARNING = "warning"
    """Lesions may be missed or false."""
    NOTE = "note"
    """Worth knowing."""


class Edge(StrEnum):
    """An edge of the image."""

    LEFT = "left"
    RIGHT = "right"
    UPPER = "upper"
    LOWER = "lower"


class FlagCode(StrEnum):
    """What may be wrong with a scan; the texts for people are kept by these codes."""

    CONTENT_CONTRADICTS = "content_contradicts"
    """The images do not look like the views that they are said to be."""
    CONTENT_UNSURE = "content_unsure"
    """It cannot be told whether the images look like their views."""
    VIEWS_GUESSED = "views_guessed"
    """The file does not name its views (value `source`)."""
    MISSING_VIEW = "missing_view"
    """One view alone (the flag's view is the one that is missing)."""
    LOW_COUNTS = "low_counts"
    """Fewer counts than guidelines ask for (values `counts`, `least`)."""
    CUT_BODY = "cut_body"
    """The body reaches the edge of the image: a part of it was not recorded (value `edge`)."""
    EDGE_HOT_SPOT = "edge_hot_spot"
    """A very hot spot beside the body or at its edge: injection, extravasation, contamination."""
    UNUSUAL_SPACING = "unusual_spacing"
    """Pixels of an unusual size (values `row_mm`, `column_mm`)."""
    UNUSUAL_MATRIX = "unusual_matrix"
    """An unusual number of pixels (values `rows`, `columns`)."""
    SATURATED = "saturated"
    """Pixels at the highest value that the file can hold (values `pixels`, `value`)."""
    SUPERSCAN = "superscan"
    """Bones stand out so much from soft tissue that disease may be everywhere."""
    LESIONS_EVERYWHERE = "lesions_everywhere"
    """Most of what was assessed of the body is called a lesion (value `share_percent`)."""
    NO_BLADDER = "no_bladder"
    """The bladder was not marked in a field that holds the pelvis: urine counts as uptake."""


@dataclass(frozen=True)
class Flag:
    """One doubt about a scan.

    Attributes:
        code: what is doubted; the key of its text.
        severity: how much it takes from the result.
        view: where it was seen; None where it is of the whole scan.
        values: what was measured, by the names of FlagCode; for the text.
    """

    code: FlagCode
    severity: Severity
    view: View | None = None
    values: Mapping[str, float | str] = field(default_factory=dict)


def find_flags(scan: AssessedScan) -> tuple[Flag, ...]:
    """Find what speaks against believing the result of a scan, the gravest first."""
    flags = [*_flag_views(scan), *_flag_pixels(scan)]
    for number, (counts, view) in enumerate(zip(scan.counts, scan.views, strict=True)):
        body_mask = find_body(counts, scan.spacing_mm)
        flags += [
            *_flag_counts(counts, view),
            *_flag_body(counts, body_mask, view, scan.spacing_mm),
            *_flag_marked(scan, number, body_mask),
        ]
    if not any(flag.values.get("edge") == Edge.LOWER for flag in flags):
        flags += _flag_bladder(scan)
    order = list(Severity)
    return tuple(sorted(flags, key=lambda flag: order.index(flag.severity)))


def _flag_views(scan: AssessedScan) -> Iterator[Flag]:
    if scan.content_check == ContentCheck.CONTRADICTS:
        yield Flag(FlagCode.CONTENT_CONTRADICTS, Severity.SERIOUS)
    if scan.content_check == ContentCheck.UNSURE:
        yield Flag(FlagCode.CONTENT_UNSURE, Severity.NOTE)
    if scan.view_source in {ViewSource.GUESS, ViewSource.ORDER, ViewSource.IMAGE}:
        grave = scan.view_source == ViewSource.GUESS
        yield Flag(
            FlagCode.VIEWS_GUESSED,
            Severity.SERIOUS if grave else Severity.WARNING,
            values={"source": str(scan.view_source)},
        )
    for view in View:
        if view not in scan.views:
            yield Flag(FlagCode.MISSING_VIEW, Severity.WARNING, view)


def _flag_pixels(scan: AssessedScan) -> Iterator[Flag]:
    row_mm, column_mm = scan.spacing_mm
    smallest, largest = USUAL_SPACING_MM
    usual = smallest <= min(scan.spacing_mm) and max(scan.spacing_mm) <= largest
    if not usual or abs(row_mm - column_mm) > MOST_OBLONG * min(scan.spacing_mm):
        values = {"row_mm": row_mm, "column_mm": column_mm}
        yield Flag(FlagCode.UNUSUAL_SPACING, Severity.WARNING, values=values)
    rows, columns = scan.counts.shape[1:]
    if (rows, columns) not in USUAL_MATRICES:
        values = {"rows": rows, "columns": columns}
        yield Flag(FlagCode.UNUSUAL_MATRIX, Severity.NOTE, values=values)


def _flag_bladder(scan: AssessedScan) -> Iterator[Flag]:
    """Flag a field that reaches below the pelvis of a whole body and has no bladder in it."""
    assessed = np.flatnonzero(scan.field_mask.any(axis=(0, 2)))
    shown = np.flatnonzero(scan.counts.any(axis=(0, 2)))
    if not assessed.size or not shown.size or scan.mask(Label.BLADDER).any():
        return
    if assessed[-1] >= shown[0] + BELOW_PELVIS * (shown[-1] - shown[0]):
        yield Flag(FlagCode.NO_BLADDER, Severity.NOTE)


def _flag_counts(counts: NDArray[np.floating], view: View) -> Iterator[Flag]:
    total = float(counts.sum(dtype=np.float64))
    if total < LEAST_COUNTS:
        values = {"counts": total, "least": float(LEAST_COUNTS)}
        yield Flag(FlagCode.LOW_COUNTS, Severity.NOTE, view, values)
    highest = float(counts.max())
    pixels = int(np.count_nonzero(counts == highest))
    if highest >= LEAST_PLATEAU_COUNTS and pixels >= LEAST_PLATEAU_PX:
        values = {"pixels": float(pixels), "value": highest}
        yield Flag(FlagCode.SATURATED, Severity.WARNING, view, values)


def _flag_marked(scan: AssessedScan, number: int, body_mask: NDArray[np.bool_]) -> Iterator[Flag]:
    """Flag a view in which lesions cover most of the assessed body."""
    assessed = body_mask & scan.field_mask[number]
    share = scan.mask(Label.METASTASIS)[number][assessed].mean() if assessed.any() else 0.0
    if share > MOST_MARKED:
        values = {"share_percent": round(100 * float(share), 1)}
        view = scan.views[number]
        yield Flag(FlagCode.LESIONS_EVERYWHERE, Severity.SERIOUS, view, values)


def _flag_body(
    counts: NDArray[np.floating],
    body_mask: NDArray[np.bool_],
    view: View,
    spacing_mm: tuple[float, float],
) -> Iterator[Flag]:
    if not body_mask.any():
        return
    for edge, length_mm in _find_cut(counts, body_mask, spacing_mm).items():
        if length_mm >= LEAST_CUT_MM:
            grave = edge in {Edge.UPPER, Edge.LOWER}
            severity = Severity.WARNING if grave else Severity.NOTE
            yield Flag(FlagCode.CUT_BODY, severity, view, {"edge": str(edge)})
    smooth = ndimage.gaussian_filter(counts, [SMOOTH_MM / mm for mm in spacing_mm])
    levels = smooth[body_mask]
    if _find_rim_peak(smooth, body_mask, spacing_mm) >= HOT_RATIO * np.median(levels):
        yield Flag(FlagCode.EDGE_HOT_SPOT, Severity.NOTE, view)
    soft, bone = np.percentile(levels, BODY_PERCENTILES)
    if bone >= SUPERSCAN_RATIO * soft:
        yield Flag(FlagCode.SUPERSCAN, Severity.WARNING, view)


def _find_cut(
    counts: NDArray[np.floating], body_mask: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> dict[Edge, float]:
    """Return over how many mm the body reaches each edge of what the detector recorded."""
    rows, columns = (np.flatnonzero(counts.any(axis=axis)) for axis in (1, 0))
    body = body_mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    row_mm, column_mm = spacing_mm
    return {
        Edge.LEFT: float(body[:, :EDGE_PX].any(axis=1).sum() * row_mm),
        Edge.RIGHT: float(body[:, -EDGE_PX:].any(axis=1).sum() * row_mm),
        Edge.UPPER: float(body[:EDGE_PX].any(axis=0).sum() * column_mm),
        Edge.LOWER: float(body[-EDGE_PX:].any(axis=0).sum() * column_mm),
    }


def _find_rim_peak(
    smooth: NDArray[np.floating], body_mask: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> float:
    """Return the highest smoothed count at the rim of the body and beyond; not of head and feet."""
    rim = ndimage.distance_transform_edt(body_mask, sampling=spacing_mm) <= RIM_MM
    rows = np.flatnonzero(body_mask.any(axis=1))
    first, last = (int(rows[0] + share * (rows[-1] - rows[0])) for share in RIM_ROWS)
    return float(smooth[first:last][rim[first:last]].max(initial=0.0))
