import pytest

from bonescan.dicom.scan import View
from bonescan.dicom.words import (
    ViewLabel,
    names_another_projection,
    names_direction,
    view_in_name,
    view_in_text,
    view_of,
    views_by_difference,
)

A, P = View.ANTERIOR, View.POSTERIOR


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("WHOLE BODY_E", None),
        ("WB_BONE_F", None),
        ("WB TC99m POST", P),
        ("WB 3H POST", None),
        ("BONE 3HR POST", None),
        ("WB POST RADIATION", None),
        ("POST RAI", None),
        ("POST 2", None),
        ("FACE POST", P),
        ("POST RADIATION WB ANT", A),
        ("WB DORSAL DECUBITUS", None),
        ("WB DORSAL", P),
        ("Antero-posterior", None),
        ("Postero-anterior", None),
        ("WB PA ANT", None),
        ("Right anterior oblique", None),
        ("LPO POSTERIOR", None),
        ("ANT LATERAL", None),
        ("Face ante\u0301rieure", A),
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
    ("text", "suffixed", "view"),
    [
        ("WHOLE BODY_E", True, A),
        ("WHOLE BODY_F", True, P),
        ("WHOLE BODY_F", False, None),
        ("WB ANT_F", True, None),
        ("WB ANT_E", True, A),
        ("THE_END", True, None),
    ],
)
def test_a_suffix_names_the_view_where_the_vendor_writes_one(text, suffixed, view):
    assert view_of(ViewLabel("ImageID", text, suffixed)) is view


@pytest.mark.parametrize(
    ("first", "second", "views"),
    [
        ("BONE 3HR POST", "BONE 3HR ANT", (P, A)),
        ("bone_3hr_ant", "BONE_3HR_POST", (A, P)),
        ("BONE 3HR POST", "BONE 3HR POST", None),
        ("BONE 3HR POST", "BONE 4HR ANT", None),
        ("BONE ANT 3HR", "BONE POST", None),
    ],
)
def test_texts_that_differ_in_the_view_alone_name_it(first, second, views):
    assert views_by_difference(ViewLabel("a", first), ViewLabel("a", second)) == views


def test_words_of_projections_and_of_directions_are_told_apart():
    assert names_another_projection("Right anterior oblique")
    assert not names_another_projection("Postero-anterior")
    assert names_direction("Postero-anterior")
    assert not names_direction("Posterior")


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
