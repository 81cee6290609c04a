import re

import pytest

from bonescan.dicom.codes import Code
from bonescan.dicom.header import FrameHeader
from bonescan.dicom.scan import View
from bonescan.dicom.views import (
    ViewEvidence,
    certain_view,
    decide_views,
    view_in_name,
    view_in_text,
)
from bonescan.errors import ScanError

A, P = View.ANTERIOR, View.POSTERIOR


def evidence(*, prone=None, labels=(), detectors=1, **frame) -> ViewEvidence:
    return ViewEvidence(FrameHeader(**frame), prone, labels, detectors)


def coded(value: str, meaning: str = "") -> Code:
    return Code(value, "any", meaning)


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("WHOLE BODY_E", A),
        ("WHOLE BODY_F", P),
        ("WB ANT", A),
        ("ANT", A),
        ("wb_post", P),
        ("Posterior", P),
        ("FACE ANT", A),
        ("Face antérieure", A),
        ("Face postérieure", P),
        ("anterior1", A),
        ("ANT/POST", None),
        ("WholeBody", None),
        ("", None),
        ("PATIENT", None),
        ("PLANTAR", None),
        ("WB POST THERAPY", None),
        ("POST-OP ANT", A),
        ("POSTTHERAPY", None),
        ("THE_END", None),
    ],
)
def test_view_in_text(text, view):
    assert view_in_text(text) is view


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
        ("R-10214", P),
    ],
)
def test_standard_codes_come_before_everything_else(code, view):
    other = P if view is A else A
    labels = (f"WB {other[:4].upper()}",)
    named = evidence(
        view_code=coded(code), start_angle_deg=180.0 if other is A else 0.0, labels=labels
    )
    assert decide_views([named], "f.dcm") == (view,)
    assert certain_view(named) is view


def test_private_code_is_read_by_its_meaning():
    named = evidence(view_code=coded("FACE POST", "FACE POST"), start_angle_deg=180.0)
    assert decide_views([named], "f.dcm") == (P,)


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
    assert decide_views([evidence(start_angle_deg=angle_deg, prone=prone)], "f.dcm") == (view,)


def test_lateral_angle_says_nothing():
    assert certain_view(evidence(start_angle_deg=90.0)) is None


def test_equal_angles_are_passed_over_for_the_labels():
    frames = [evidence(start_angle_deg=180.0, labels=(text,)) for text in ("WB_F", "WB_E")]
    assert decide_views(frames, "f.dcm") == (P, A)


def test_one_named_frame_names_the_other():
    assert decide_views([evidence(), evidence(start_angle_deg=180.0)], "f.dcm") == (P, A)


def test_first_label_that_names_a_view_counts():
    named = evidence(labels=("WholeBody", "WB POST", "WHOLE BODY_E"))
    assert decide_views([named], "f.dcm") == (P,)


def test_detector_order_is_a_guess_that_a_warning_names(caplog):
    frames = [evidence(detector=number, detectors=2) for number in (2, 1)]
    assert decide_views(frames, "f.dcm") == (P, A)
    assert "f.dcm: the views are a guess from the order of the detectors" in caplog.text
    assert "first frame posterior" in caplog.text
    assert certain_view(frames[0]) is None


def test_detector_order_turns_with_the_patient():
    frames = [evidence(detector=number, detectors=2, prone=True) for number in (1, 2)]
    assert decide_views(frames, "f.dcm") == (P, A)


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
    first, second = decide_views(frames, "f.dcm", view=view)
    assert first is view
    assert second is not view
    assert decide_views(frames[:1], "f.dcm", view=view) == (view,)


@pytest.mark.parametrize(
    ("stem", "view", "rest"),
    [
        ("scan-7_anterior", A, "scan-7"),
        ("scan-7_posterior", P, "scan-7"),
        ("scan-7", None, "scan-7"),
        ("Scan-7_ANT", A, "scan-7"),
        ("scan 7 post 2", P, "scan 7 2"),
        ("sim-0001_scan7ant", A, "sim-0001_scan7"),
        ("posterior", P, ""),
        ("post2", P, "2"),
        ("anterior_p1", A, "p1"),
        ("ant_anterior", A, ""),
        ("scan_ant_post", None, "scan"),
        ("patient_anton", None, "patient_anton"),
        ("implant", None, "implant"),
        ("scan_posttherapy", None, "scan_posttherapy"),
        ("wb_e", None, "wb_e"),
    ],
)
def test_view_in_name(stem, view, rest):
    assert view_in_name(stem) == (view, rest)
