"""Which view is which: the one place that tells anterior from posterior.

Three kinds of evidence in the header speak: the code of the view, the detector's angle, and labels.
What they say of a frame must agree; a contradiction is refused, with both of its sides. What says
the same of both frames says nothing where cameras are known to do so: two detectors that both claim
StartAngle 180, as in files of a GE Discovery 670. With two frames of one acquisition, one that is
named names the other. Where the header says nothing, the image decides if it is certain.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bonescan.dicom.codes import VIEW_CODE_VALUES
from bonescan.dicom.content import CERTAIN, Look
from bonescan.dicom.header import FrameHeader
from bonescan.dicom.scan import View, ViewSource
from bonescan.dicom.words import (
    ViewLabel,
    names_another_projection,
    names_direction,
    view_in_text,
    view_of,
    views_by_difference,
)
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

_ANGLE_TOLERANCE_DEG = 20.0
"""Further off is an oblique view, as a rule 30 to 45 degrees."""

_CODE, _ANGLE = "ViewCodeSequence", "StartAngle"


class _Other(StrEnum):
    """What a frame can be besides a view."""

    PROJECTION = "another projection"


_Said = View | _Other | None
_SIGNS = "ViewCodeSequence, StartAngle, ImageID, SeriesDescription and private labels"


@dataclass(frozen=True)
class ViewEvidence:
    """Everything about one frame that may tell its view.

    Attributes:
        frame: what the header says of the frame.
        prone: whether the patient lay prone; None counts as supine, which is how scans are made.
        labels: texts that speak of this frame alone.
        detectors: number of detectors that took the scan.
        alone: whether the file holds this frame alone: StartAngle 0 may then be a mere default.
    """

    frame: FrameHeader
    prone: bool | None = None
    labels: tuple[ViewLabel, ...] = field(default=(), repr=False)
    detectors: int = 1
    alone: bool = False


@dataclass(frozen=True)
class _Claim:
    """What one sign says of one frame."""

    sign: str
    source: ViewSource
    said: View | _Other


@dataclass(frozen=True)
class DecidedViews:
    """The views of the frames of a scan, all different, and what told them."""

    views: tuple[View, ...]
    source: ViewSource


def decide_views(
    frames: Sequence[ViewEvidence],
    name: str,
    *,
    view: View | None = None,
    looks: Sequence[Look] = (),
    one_acquisition: bool = True,
) -> DecidedViews:
    """Name the view of each frame.

    Args:
        frames: the evidence about one or two frames of one scan.
        name: of the file, for messages.
        view: the view of the first frame, given by hand; overrules all evidence.
        looks: what the images look like, frame by frame.
        one_acquisition: whether both frames were taken at once, so that one names the other.

    Raises:
        ScanError: if the evidence does not tell, or contradicts itself; says what was looked at and
            how to give the view by hand.
    """
    if view is not None:
        return DecidedViews((view, view.other)[: len(frames)], ViewSource.BY_HAND)
    claims = _claims(frames)
    said = [_agreed(of_frame, name, number) for number, of_frame in enumerate(claims, start=1)]
    views = _complete(said, one_acquisition=one_acquisition)
    if views is not None:
        return DecidedViews(views, _first_source(claims))
    if not any(said):
        views = _from_looks(looks, one_acquisition=one_acquisition)
        if views is not None:
            logger.warning(
                "%s: the header does not tell the views, the image does: first frame %s; say it by "
                "hand if that is wrong (%s)",
                name,
                views[0],
                how_by_hand(name, views[0].other),
            )
            return DecidedViews(views, ViewSource.IMAGE)
        views = _guess(frames, one_acquisition=one_acquisition)
    if views is None:
        raise ScanError(
            f"{name}: cannot tell anterior from posterior; {_SIGNS} and the order of the "
            "detectors say nothing, or the same of both frames. Say which view the first frame is: "
            f"{how_by_hand(name, View.ANTERIOR)}"
        )
    level = logging.WARNING if len(frames) == 2 else logging.INFO
    logger.log(
        level,
        "%s: the views are a guess from %s: first frame %s; say it by hand if that is wrong (%s)",
        name,
        "the order of the detectors" if len(frames) == 2 else "StartAngle 0, a usual default",
        views[0],
        how_by_hand(name, views[0].other),
    )
    return DecidedViews(views, ViewSource.GUESS)


def certain_view(evidence: ViewEvidence) -> View | None:
    """Return the view of one frame by itself, None where it could only be guessed."""
    said = {claim.said for claim in _claims([evidence])[0]}
    (view,) = said if len(said) == 1 else (None,)
    return view if isinstance(view, View) else None


def how_by_hand(name: str, view: View) -> str:
    """Tell how to say by hand which view the first frame of a file is."""
    return f'view="{view}", the datalist field "view": "{view}", or the name "{name}#view={view}"'


def _claims(frames: Sequence[ViewEvidence]) -> list[list[_Claim]]:
    """Collect what each sign says of each frame, the most trusted sign first."""
    codes = [_from_code(frame) for frame in frames]
    angles = _angles(frames)
    labels = _labels([frame.labels for frame in frames])
    claims = []
    for code, angle, of_labels in zip(codes, angles, labels, strict=True):
        signs: list[tuple[str, ViewSource, _Said]] = []
        signs += [(_CODE, ViewSource.CODE, said) for said in code]
        signs.append((_ANGLE, ViewSource.ANGLE, angle))
        signs += [(kind, ViewSource.TEXT, said) for kind, said in of_labels]
        claims.append([_Claim(sign, source, said) for sign, source, said in signs if said])
    return claims


def _agreed(claims: Sequence[_Claim], name: str, number: int) -> _Said:
    """Return what all claims say of a frame.

    Raises:
        ScanError: if they contradict each other.
    """
    if not claims:
        return None
    first = claims[0]
    against = next((claim for claim in claims if claim.said != first.said), None)
    if against is not None:
        raise ScanError(
            f"{name}: the header contradicts itself: {first.sign} says {first.said} of frame "
            f"{number}, {against.sign} says {against.said}. Say which view the first frame is: "
            f"{how_by_hand(name, View.ANTERIOR)}"
        )
    return first.said


def _complete(said: Sequence[_Said], *, one_acquisition: bool) -> tuple[View, ...] | None:
    """Name every frame, or none if too few are named, two alike, or one is no such view."""
    named = [view for view in said if isinstance(view, View)]
    if len(set(named)) == len(said):
        return tuple(named)
    if len(said) == 2 and len(named) == 1 and None in said and one_acquisition:
        (known,) = named
        return tuple(known if view is known else known.other for view in said)
    return None


def _first_source(claims: Iterable[Sequence[_Claim]]) -> ViewSource:
    """Return the most trusted kind of evidence that spoke."""
    sources = {claim.source for of_frame in claims for claim in of_frame}
    return next(source for source in ViewSource if source in sources)


def _from_looks(looks: Sequence[Look], *, one_acquisition: bool) -> tuple[View, ...] | None:
    """Name the views by images that are certain, all or, of one acquisition, one of them."""
    certain = [look.prob >= CERTAIN and not look.upside_down for look in looks]
    named = [look.view if sure else None for look, sure in zip(looks, certain, strict=True)]
    return _complete(named, one_acquisition=one_acquisition) if any(named) else None


def _guess(frames: Sequence[ViewEvidence], *, one_acquisition: bool) -> tuple[View, ...] | None:
    """Guess the views of two frames from their detectors, that of one from StartAngle 0.

    The number of the detector tells nothing of a single frame: files with one view count from 1.
    StartAngle 0 is right for the posterior view of a GE Discovery, and a default elsewhere.
    """
    if len(frames) == 1:
        return _complete([_from_angle(frames[0])], one_acquisition=True)
    if not one_acquisition:
        return None
    return _complete([_from_detector(frame) for frame in frames], one_acquisition=True)


def _from_code(evidence: ViewEvidence) -> list[View | _Other]:
    """Read a code of the table and its meaning, which a private one may have alone ("FACE ANT")."""
    code = evidence.frame.view_code
    if code is None:
        return []
    if names_another_projection(code.meaning):
        return [_Other.PROJECTION]
    if names_direction(code.meaning):
        return []
    said = [VIEW_CODE_VALUES.get(code.value), view_in_text(code.meaning)]
    return [view for view in said if view]


def _angles(frames: Sequence[ViewEvidence]) -> list[_Said]:
    """Read the detectors' angles; none where they are equal, or a single one a mere default."""
    views = [_from_angle(frame) for frame in frames]
    if len(views) == 2 and views[0] == views[1] and isinstance(views[0], View):
        return [None, None]
    if len(views) == 2 and None not in views:
        return views
    return [
        None if frame.alone and frame.frame.start_angle_deg == 0 else view
        for frame, view in zip(frames, views, strict=True)
    ]


def _from_angle(evidence: ViewEvidence) -> _Said:
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
        return _Other.PROJECTION
    return view.other if evidence.prone else view


def _labels(of_frames: Sequence[tuple[ViewLabel, ...]]) -> list[list[tuple[str, _Said]]]:
    """Read the labels of each frame: each by itself, or two that differ in ANT and POST."""
    said: list[list[tuple[str, _Said]]] = [
        [(label.kind, _in_label(label)) for label in labels] for labels in of_frames
    ]
    if len(of_frames) == 2:
        for label in of_frames[0]:
            for other in (other for other in of_frames[1] if other.kind == label.kind):
                views = views_by_difference(label, other)
                for frame, view in enumerate(views or ()):
                    said[frame].append((label.kind, view))
    return said


def _in_label(label: ViewLabel) -> _Said:
    return _Other.PROJECTION if names_another_projection(label.text) else view_of(label)


def _from_detector(evidence: ViewEvidence) -> View | None:
    """Read the detector's number: 1 is above the patient, 2 below; prone turns them round."""
    view = {1: View.ANTERIOR, 2: View.POSTERIOR}.get(evidence.frame.detector)
    if evidence.detectors < 2 or view is None:
        return None
    return view.other if evidence.prone else view
