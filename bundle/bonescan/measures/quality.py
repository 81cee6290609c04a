"""What speaks against believing the result of a scan: flags, each with what was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bonescan.dicom.scan import ContentCheck, View, ViewSource
from bonescan.measures.assessed_scan import AssessedScan


class Severity(StrEnum):
    """How much a flag takes from the result, the gravest first."""

    SERIOUS = "serious"
    """The result may be of the wrong side, view or place."""
    WARNING = "warning"
    """Lesions may be missed or false."""
    NOTE = "note"
    """Worth knowing."""


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
    MOVEMENT = "movement"
    """A part of the body lies apart from itself, or twice."""
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
    order = list(Severity)
    return tuple(sorted(_find(scan), key=lambda flag: order.index(flag.severity)))


def _find(scan: AssessedScan) -> Iterator[Flag]:
    yield from _flag_views(scan)


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
