import logging
import re

import pytest

from bonescan.dicom.codes import Code
from bonescan.dicom.header import FrameHeader
from bonescan.dicom.scan import View, ViewSource
from bonescan.dicom.views import DecidedViews, ViewEvidence, certain_view, decide_views
from bonescan.dicom.words import ViewLabel
from bonescan.errors import ScanError

A, P = View.ANTERIOR, View.POSTERIOR


def evidence(*, prone=None, labels=(), detectors=1, alone=False, **frame) -> ViewEvidence:
    named = tuple(ViewLabel("ImageID", text, suffixed=True) for text in labels)
    return ViewEvidence(FrameHeader(**frame), prone, named, detectors, alone=alone)


def views_of(*frames: ViewEvidence, **options) -> tuple[View, ...]:
    return decide_views(frames, "f.dcm", **options).views


def coded(value: str, meaning: str = "") -> Code:
    return Code(value, "any", meaning)


@pytest.mark.parametrize(
    ("code", "view"),
    [
        ("399321004", A),
        ("399001007", P),
        ("G-5215", A),
        ("G-5216", P),
        ("255549009", A),
        ("255551008", P),
        ("R-10202", A),
    ],
)
def test_standard_codes_name_the_view(code, view):
    named = evidence(view_code=coded(code))
    assert decide_views([named], "f.dcm") == DecidedViews((view,), ViewSource.CODE)
    assert certain_view(named) is view


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("R-10214", ""), ("R-10214", "postero-anterior"), ("G-5215", "antero-posterior")],
)
def test_codes_of_the_way_of_rays_name_none(code, meaning):
    with pytest.raises(ScanError, match="cannot tell anterior from posterior"):
        views_of(evidence(view_code=coded(code, meaning)))


ANGLE_P, TEXT_P = {"start_angle_deg": 360.0}, {"labels": ("WB POST",)}


@pytest.mark.parametrize(
    ("signs", "first", "second"),
    [
        ({"view_code": coded("G-5215"), **ANGLE_P}, "ViewCodeSequence", "StartAngle"),
        ({"view_code": coded("G-5215"), **TEXT_P}, "ViewCodeSequence", "ImageID"),
        ({"start_angle_deg": 180.0, **TEXT_P}, "StartAngle", "ImageID"),
        ({"view_code": coded("G-5215", "Posterior")}, "ViewCodeSequence", "ViewCodeSequence"),
        ({"labels": ("WB ANT", "WHOLE BODY_F")}, "ImageID", "ImageID"),
    ],
)
def test_a_contradiction_is_refused_with_both_sides(signs, first, second):
    for frames in ([evidence(**signs)], [evidence(**signs), evidence()]):
        expected = (
            f"f.dcm: the header contradicts itself: {first} says anterior of frame 1, {second} "
            "says posterior. Say which view the first frame is: "
        )
        with pytest.raises(ScanError, match=re.escape(expected)):
            decide_views(frames, "f.dcm")
        assert certain_view(frames[0]) is None


@pytest.mark.parametrize("signs", [{"labels": ("WB ANT",)}, {"view_code": coded("G-5215")}])
def test_angle_0_of_a_lone_frame_is_a_default_that_says_nothing_against_others(signs):
    assert views_of(evidence(start_angle_deg=0.0, alone=True, **signs)) == (A,)
    with pytest.raises(ScanError, match="contradicts itself"):
        views_of(evidence(start_angle_deg=0.0, **signs))


def test_angle_0_of_a_lone_frame_without_other_signs_is_a_guess(caplog):
    caplog.set_level(logging.INFO)
    lone = evidence(start_angle_deg=0.0, alone=True)
    assert decide_views([lone], "f.dcm") == DecidedViews((P,), ViewSource.GUESS)
    assert "f.dcm: the views are a guess from StartAngle 0, a usual default: first" in caplog.text
    assert certain_view(lone) is None


def test_angle_0_that_tells_two_files_apart_is_no_default():
    files = [evidence(start_angle_deg=angle, alone=True) for angle in (0.0, 180.0)]
    assert decide_views(files, "f.dcm") == DecidedViews((P, A), ViewSource.ANGLE)


def test_another_projection_is_not_completed():
    front = evidence(view_code=coded("G-5215"))
    for other in (
        evidence(view_code=coded("?", "left lateral")),
        evidence(start_angle_deg=320.0),
        evidence(labels=("LPO",)),
    ):
        with pytest.raises(ScanError, match="cannot tell anterior from posterior"):
            views_of(front, other)


def test_one_acquisition_is_needed_to_complete_or_to_guess():
    front, unknown = evidence(view_code=coded("G-5215")), evidence()
    assert views_of(front, unknown) == (A, P)
    guessed = [evidence(detector=number, detectors=2) for number in (1, 2)]
    for frames in ([front, unknown], guessed):
        with pytest.raises(ScanError, match="cannot tell anterior from posterior"):
            views_of(*frames, one_acquisition=False)


def test_labels_that_differ_in_the_view_alone_name_both_files():
    files = [evidence(labels=(f"BONE 3HR {word}",)) for word in ("POST", "ANT")]
    assert decide_views(files, "f.dcm") == DecidedViews((P, A), ViewSource.TEXT)


def test_a_single_frame_is_not_guessed_from_its_detector():
    with pytest.raises(ScanError, match="cannot tell anterior from posterior"):
        views_of(evidence(detector=1, detectors=2))


def test_private_code_is_read_by_its_meaning():
    named = evidence(view_code=coded("FACE POST", "FACE POST"))
    assert views_of(named) == (P,)


@pytest.mark.parametrize(
    ("angle_deg", "prone", "view"),
    [
        (180.0, None, A),
        (180.0, False, A),
        (0.0, False, P),
        (360.0, False, P),
        (-180.0, False, A),
        (200.0, False, A),
        (340.0, False, P),
        (180.0, True, P),
        (0.0, True, A),
    ],
)
def test_start_angle_turns_with_the_patient(angle_deg, prone, view):
    assert views_of(evidence(start_angle_deg=angle_deg, prone=prone)) == (view,)


@pytest.mark.parametrize("angle_deg", [90.0, 140.0, 320.0])
def test_lateral_and_oblique_angles_are_no_view(angle_deg):
    assert certain_view(evidence(start_angle_deg=angle_deg)) is None
    with pytest.raises(ScanError, match="StartAngle says another projection of frame 1"):
        views_of(evidence(start_angle_deg=angle_deg, labels=("WB ANT",)))


def test_equal_angles_are_passed_over_for_the_labels():
    frames = [evidence(start_angle_deg=180.0, labels=(text,)) for text in ("WB_F", "WB_E")]
    assert views_of(*frames) == (P, A)


def test_one_named_frame_names_the_other():
    assert views_of(evidence(), evidence(start_angle_deg=180.0)) == (P, A)


def test_labels_that_name_no_view_do_not_matter():
    named = evidence(labels=("WholeBody", "WB POST", "WHOLE BODY_F"))
    assert decide_views([named], "f.dcm") == DecidedViews((P,), ViewSource.TEXT)


def test_detector_order_is_a_guess_that_a_warning_names(caplog):
    frames = [evidence(detector=number, detectors=2) for number in (2, 1)]
    assert decide_views(frames, "f.dcm") == DecidedViews((P, A), ViewSource.GUESS)
    assert "f.dcm: the views are a guess from the order of the detectors" in caplog.text
    assert "first frame posterior" in caplog.text
    assert certain_view(frames[0]) is None


def test_detector_order_turns_with_the_patient():
    frames = [evidence(detector=number, detectors=2, prone=True) for number in (1, 2)]
    assert views_of(*frames) == (P, A)


def test_certain_views_warn_of_nothing(caplog):
    decide_views([evidence(view_code=coded("G-5215"))], "f.dcm")
    assert not caplog.text


@pytest.mark.parametrize(
    "frames",
    [
        [evidence()],
        [evidence(detector=1, detectors=1)],
        [evidence(), evidence()],
        [evidence(view_code=coded("G-5215")), evidence(view_code=coded("G-5215"))],
    ],
)
def test_undecidable_says_what_was_looked_at_and_how_to_say_it(frames):
    expected = (
        "f.dcm: cannot tell anterior from posterior; ViewCodeSequence, StartAngle, ImageID, "
        "SeriesDescription and private labels and the order of the detectors say nothing, or the "
        'same of both frames. Say which view the first frame is: view="anterior", the datalist '
        'field "view": "anterior", or the name "f.dcm#view=anterior"'
    )
    with pytest.raises(ScanError, match=re.escape(expected)):
        decide_views(frames, "f.dcm")


@pytest.mark.parametrize("view", View)
def test_what_is_said_by_hand_overrules_all_evidence(view):
    frames = [evidence(view_code=coded("G-5215")), evidence(view_code=coded("G-5216"))]
    decided = decide_views(frames, "f.dcm", view=view)
    first, second = decided.views
    assert decided.source is ViewSource.BY_HAND
    assert first is view
    assert second is not view
    assert views_of(frames[0], view=view) == (view,)
