"""Which view is which: the one place that tells anterior from posterior.

Signs are asked in the order in which they deserve trust. A sign decides only if it tells all frames
of the scan apart: two detectors that both claim StartAngle 180, as in files of a GE Discovery 670,
say nothing. With two frames, one that is named names the other.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bonescan.dicom.codes import VIEW_CODE_VALUES
from bonescan.dicom.scan import View
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

_ANTERIOR = re.compile(r"(?<![A-Z])(ANT|ANTERIOR|ANTERIEURE?|VENTRAL)(?![A-Z])|_E$")
_POSTERIOR = re.compile(r"(?<![A-Z])(POST|POSTERIOR|POSTERIEURE?|DORSAL)(?![A-Z])|_F$")
_AFTERWARDS = re.compile(r"(?<![A-Z])POST[ ._-]*(?=(THER|TREAT|OP|SURG|INJ|CHEMO|RT|RX|VOID|MICT))")
"""POST in the sense of "after": "POST THERAPY" names no view."""
_ACCENTS = str.maketrans("ÉÈ", "EE")

_ANGLE_TOLERANCE_DEG = 45.0


@dataclass(frozen=True)
class ViewEvidence:
    """Everything about one frame that may tell its view.

    Attributes:
        code: value of its item of ViewCodeSequence, "" if there is none.
        meaning: the meaning of that code.
        start_angle_deg: StartAngle of its detector.
        prone: whether the patient lay prone; None counts as supine, which is how scans are made.
        labels: texts that speak of this frame alone.
        detector: number of its detector, from 1.
        detectors: number of detectors that took the scan.
    """

    code: str = ""
    meaning: str = ""
    start_angle_deg: float | None = None
    prone: bool | None = None
    labels: tuple[str, ...] = field(default=(), repr=False)
    detector: int | None = None
    detectors: int = 1


def decide_views(
    frames: Sequence[ViewEvidence], name: str, *, view: View | None = None
) -> tuple[View, ...]:
    """Name the view of each frame.

    Args:
        frames: the signs of one or two frames of one scan.
        name: of the file, for messages.
        view: the view of the first frame, said by hand; overrules every sign.

    Returns:
        One view per frame, all different.

    Raises:
        ScanError: if the signs do not tell; says what was looked at and how to say it by hand.
    """
    if view is not None:
        return (view, view.other)[: len(frames)]
    candidates = (_complete([read(frame) for frame in frames]) for read in _SIGNS.values())
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
        f"{name}: cannot tell anterior from posterior; {', '.join(_SIGNS)} and the order of the "
        f"detectors say nothing, or the same of both frames. Say which view the first frame is: "
        f"{_by_hand(name, View.ANTERIOR)}"
    )


def certain_view(frame: ViewEvidence) -> View | None:
    """Return the view of one frame by itself, None where it could only be guessed."""
    return next(filter(None, (read(frame) for read in _SIGNS.values())), None)


def _by_hand(name: str, view: View) -> str:
    return f'view="{view}", the datalist field "view": "{view}", or the name "{name}#view={view}"'


def _complete(found: Sequence[View | None]) -> tuple[View, ...] | None:
    """Name every frame, or none if what was found is missing or contradicts itself."""
    named = {view for view in found if view is not None}
    if len(named) == len(found):
        return tuple(view for view in found if view is not None)
    if len(found) == 2 and len(named) == 1 and None in found:
        (known,) = named
        return tuple(view or known.other for view in found)
    return None


def _from_code(frame: ViewEvidence) -> View | None:
    """Read a code of the table, or the meaning of a private one ("FACE ANT", 99NMG)."""
    return VIEW_CODE_VALUES.get(frame.code) or view_in_text(frame.meaning)


def _from_angle(frame: ViewEvidence) -> View | None:
    """Read the detector's angle: 180 degrees above the patient, 0 or 360 below.

    PS3.3 C.8.4.10 counts from the patient's back; cameras count from the floor, so that a prone
    patient turns the meaning round.
    """
    if frame.start_angle_deg is None:
        return None
    from_floor_deg = abs((frame.start_angle_deg + 180.0) % 360.0 - 180.0)  # 0 below, 180 above
    if from_floor_deg <= _ANGLE_TOLERANCE_DEG:
        view = View.POSTERIOR
    elif from_floor_deg >= 180.0 - _ANGLE_TOLERANCE_DEG:
        view = View.ANTERIOR
    else:
        return None
    return view.other if frame.prone else view


def _from_labels(frame: ViewEvidence) -> View | None:
    """Read the first label that names a view."""
    return next(filter(None, map(view_in_text, frame.labels)), None)


def _from_detector(frame: ViewEvidence) -> View | None:
    """Read the detector's number: 1 is above the patient, 2 below; prone turns them round."""
    view = {1: View.ANTERIOR, 2: View.POSTERIOR}.get(frame.detector or 0)
    if frame.detectors < 2 or view is None:
        return None
    return view.other if frame.prone else view


_SIGNS: dict[str, Callable[[ViewEvidence], View | None]] = {
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
