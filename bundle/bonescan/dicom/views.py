"""Which view is which: the one place that tells anterior from posterior.

Evidence is asked for in the order in which it deserves trust. A kind of evidence decides only if it
tells all frames of the scan apart: two detectors that both claim StartAngle 180, as in files of a
GE Discovery 670, say nothing. With two frames, one that is named names the other.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bonescan.dicom.codes import VIEW_CODE_VALUES
from bonescan.dicom.header import FrameHeader
from bonescan.dicom.scan import View
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

_ANTERIOR = re.compile(r"(?<![A-Z])(ANT|ANTERIOR|ANTERIEURE?|VENTRAL)(?![A-Z])|_E$")
_POSTERIOR = re.compile(r"(?<![A-Z])(POST|POSTERIOR|POSTERIEURE?|DORSAL)(?![A-Z])|_F$")
_AFTERWARDS = re.compile(r"(?<![A-Z])POST[ ._-]*(?=(THER|TREAT|OP|SURG|INJ|CHEMO|RT|RX|VOID|MICT))")
"""POST in the sense of "after": "POST THERAPY" names no view."""
_ACCENTS = str.maketrans("ÉÈ", "EE")

_IN_NAME = re.compile(r"(?:^|[^a-z0-9]|(?<=[0-9]))(?:(ant)(?:erior)?|post(?:erior)?)(?![a-z])")
"""A view's word in a file name, with the sign before it if that is neither letter nor digit."""

_ANGLE_TOLERANCE_DEG = 45.0


@dataclass(frozen=True)
class ViewEvidence:
    """Everything about one frame that may tell its view.

    Attributes:
        frame: what the header says of the frame.
        prone: whether the patient lay prone; None counts as supine, which is how scans are made.
        labels: texts that speak of this frame alone.
        detectors: number of detectors that took the scan.
    """

    frame: FrameHeader
    prone: bool | None = None
    labels: tuple[str, ...] = field(default=(), repr=False)
    detectors: int = 1


def decide_views(
    frames: Sequence[ViewEvidence], name: str, *, view: View | None = None
) -> tuple[View, ...]:
    """Name the view of each frame.

    Args:
        frames: the evidence about one or two frames of one scan.
        name: of the file, for messages.
        view: the view of the first frame, given by hand; overrules all evidence.

    Returns:
        One view per frame, all different.

    Raises:
        ScanError: if the evidence does not tell; says what was looked at and how to give the view
            by hand.
    """
    if view is not None:
        return (view, view.other)[: len(frames)]
    candidates = (_complete([tell(frame) for frame in frames]) for tell in _EVIDENCE.values())
    views = next(filter(None, candidates), None)
    if views is not None:
        return views
    views = _complete([_from_detector(frame) for frame in frames])
    if views is not None:
        logger.warning(
            "%s: the views are a guess from the order of the detectors: first frame %s; "
            "say it by hand if that is wrong (%s)",
            name,
            views[0],
            _by_hand(name, views[0].other),
        )
        return views
    raise ScanError(
        f"{name}: cannot tell anterior from posterior; {', '.join(_EVIDENCE)} and the order of the "
        f"detectors say nothing, or the same of both frames. Say which view the first frame is: "
        f"{_by_hand(name, View.ANTERIOR)}"
    )


def certain_view(evidence: ViewEvidence) -> View | None:
    """Return the view of one frame by itself, None where it could only be guessed."""
    return next(filter(None, (tell(evidence) for tell in _EVIDENCE.values())), None)


def _by_hand(name: str, view: View) -> str:
    return f'view="{view}", the datalist field "view": "{view}", or the name "{name}#view={view}"'


def _complete(views: Sequence[View | None]) -> tuple[View, ...] | None:
    """Name every frame, or none if too few are named or two alike."""
    named = [view for view in views if view is not None]
    if len(set(named)) == len(views):
        return tuple(named)
    if len(views) == 2 and len(named) == 1:
        (known,) = named
        return tuple(view or known.other for view in views)
    return None


def _from_code(evidence: ViewEvidence) -> View | None:
    """Read a code of the table, or the meaning of a private one ("FACE ANT", 99NMG)."""
    code = evidence.frame.view_code
    if code is None:
        return None
    return VIEW_CODE_VALUES.get(code.value) or view_in_text(code.meaning)


def _from_angle(evidence: ViewEvidence) -> View | None:
    """Read the detector's angle: 180 degrees above the patient, 0 or 360 below.

    PS3.3 C.8.4.11 counts from the patient's back; cameras count from the floor, so that a prone
    patient turns the meaning round.
    """
    angle_deg = evidence.frame.start_angle_deg
    if angle_deg is None:
        return None
    from_floor_deg = abs((angle_deg + 180.0) % 360.0 - 180.0)  # 0 below, 180 above
    if from_floor_deg <= _ANGLE_TOLERANCE_DEG:
        view = View.POSTERIOR
    elif from_floor_deg >= 180.0 - _ANGLE_TOLERANCE_DEG:
        view = View.ANTERIOR
    else:
        return None
    return view.other if evidence.prone else view


def _from_labels(evidence: ViewEvidence) -> View | None:
    """Read the first label that names a view."""
    return next(filter(None, map(view_in_text, evidence.labels)), None)


def _from_detector(evidence: ViewEvidence) -> View | None:
    """Read the detector's number: 1 is above the patient, 2 below; prone turns them round."""
    view = {1: View.ANTERIOR, 2: View.POSTERIOR}.get(evidence.frame.detector)
    if evidence.detectors < 2 or view is None:
        return None
    return view.other if evidence.prone else view


_EVIDENCE: dict[str, Callable[[ViewEvidence], View | None]] = {
    "ViewCodeSequence": _from_code,
    "StartAngle": _from_angle,
    "ImageID, SeriesDescription and private labels": _from_labels,
}


def view_in_text(text: str) -> View | None:
    """Find a view in a free text: "WB ANT", "WHOLE BODY_E", "POSTERIOR"; None if none or both."""
    text = _AFTERWARDS.sub("", text.strip().upper().translate(_ACCENTS))
    anterior, posterior = _ANTERIOR.search(text), _POSTERIOR.search(text)
    if bool(anterior) == bool(posterior):
        return None
    return View.ANTERIOR if anterior else View.POSTERIOR


def view_in_name(stem: str) -> tuple[View | None, str]:
    """Find a view's word in a file name: "scan-7_anterior" is the anterior view of "scan-7".

    Only the English words and their short forms count, since exported files bear them, and no
    suffix as vendors write it.

    Args:
        stem: the name without its suffix, in upper or lower case.

    Returns:
        The view, None if the name has no view's word or those of both views; and the name in lower
        case without such words.
    """
    stem = stem.lower()
    views = {View.ANTERIOR if word[1] else View.POSTERIOR for word in _IN_NAME.finditer(stem)}
    return views.pop() if len(views) == 1 else None, _IN_NAME.sub("", stem).strip("_- ")
