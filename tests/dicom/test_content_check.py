"""Images that contradict what is said of them."""

import logging

import numpy as np
import pytest

from bonescan.data.load import load_scan
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.content import CERTAIN, LIKELY, Look
from bonescan.dicom.content_check import check_content
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import ContentCheck, View, ViewSource
from bonescan.dicom.views import DecidedViews
from bonescan.errors import ScanError
from tests.factories import hide_views, make_scan_file

A, P = View.ANTERIOR, View.POSTERIOR
SURE, PROBABLE, VAGUE = CERTAIN, LIKELY, LIKELY - 0.01
SLOPE = np.array([[1.0, 0.5, -0.5, -1.0]])


def by(source: ViewSource, *views: View) -> DecidedViews:
    return DecidedViews(views, source)


@pytest.fixture
def body(bodies):
    """Return a scan whose views are both certain, as integer counts by view, and its spacing."""
    scan = bodies[0]
    return {view: scan.counts[view].astype(np.uint16) for view in View}, scan.spacing_mm


def test_agreement_and_silence():
    told = by(ViewSource.CODE, A, P)
    assert check_content(told, [Look(A, False, SURE), Look()], "f") is ContentCheck.AGREES
    assert check_content(told, [Look(A, False, VAGUE), Look()], "f") is ContentCheck.UNSURE
    assert check_content(told, [Look(P, False, VAGUE), Look()], "f") is ContentCheck.UNSURE


@pytest.mark.parametrize("look", [Look(P, False, SURE), Look(A, True, SURE)])
def test_a_certain_contradiction_is_refused_but_by_hand(look, caplog):
    with pytest.raises(ScanError, match=r'the anterior view \(code\) looks .*view="anterior"'):
        check_content(by(ViewSource.CODE, A), [look], "f.dcm")
    by_hand = by(ViewSource.BY_HAND, A)
    assert check_content(by_hand, [look], "f.dcm") is ContentCheck.CONTRADICTS
    assert "f.dcm: the image contradicts what is said of it" in caplog.text


def test_a_likely_contradiction_is_warned_of_and_refuses_what_nothing_names(caplog):
    look = Look(P, False, PROBABLE)
    told = check_content(by(ViewSource.TEXT, A), [look], "f.dcm")
    assert told is ContentCheck.CONTRADICTS
    assert "the anterior view (text) looks posterior" in caplog.text
    for source in (ViewSource.GUESS, ViewSource.ORDER):
        with pytest.raises(ScanError, match=rf"the anterior view \({source}\) looks posterior"):
            check_content(by(source, A), [look], "f.dcm")


@pytest.mark.parametrize(
    ("weight", "outcome"), [(1.0, "refused"), (0.5, "warned"), (0.2, "unsure")]
)
def test_sides_that_do_not_fit(weight, outcome):
    noise = np.array([[0.5, -1.0, 1.0, -0.5]])  # at right angles to SLOPE
    second = weight * SLOPE + np.sqrt(1 - weight**2) * noise
    looks = [Look(asymmetry=SLOPE), Look(asymmetry=second)]
    told = by(ViewSource.CODE, A, P)
    if outcome == "refused":
        with pytest.raises(ScanError, match=r"one view looks mirrored \(correlation .* -1.00\)"):
            check_content(told, looks, "f.dcm")
    else:
        expected = ContentCheck.CONTRADICTS if outcome == "warned" else ContentCheck.UNSURE
        assert check_content(told, looks, "f.dcm") is expected
    two_times = check_content(told, looks, "f.dcm", one_acquisition=False)
    assert two_times is ContentCheck.UNSURE


def test_a_scan_that_is_right_agrees(tmp_path, body, caplog):
    counts, spacing_mm = body
    scan = read_scan(make_scan_file(tmp_path / "scan.dcm", counts, spacing_mm=spacing_mm))
    assert (scan.view_source, scan.content_check) == ("code", "agrees")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a, p: (p, a), "the anterior view (code) looks posterior"),
        (lambda a, p: (a[::-1], p[::-1]), "looks anterior, upside down"),
        (lambda a, p: (a[::-1, ::-1], p), "looks anterior, upside down"),
        (lambda a, p: (a, p[:, ::-1]), "one view looks mirrored"),
        (lambda a, p: (a[:, ::-1], p), "one view looks mirrored"),
    ],
    ids=["swapped", "upside down", "one turned", "posterior mirrored", "anterior mirrored"],
)
def test_a_scan_that_is_wrong_is_refused_unless_said_by_hand(tmp_path, body, change, words):
    counts, spacing_mm = body
    changed = dict(zip(View, change(*counts.values()), strict=True))
    path = make_scan_file(tmp_path / "scan.dcm", changed, spacing_mm=spacing_mm)
    with pytest.raises(ScanError) as refused:
        read_scan(path)
    assert words in str(refused.value)
    scan = load_scan(f"{path}#view=anterior")
    assert scan.content_check == "contradicts"
    np.testing.assert_array_equal(scan.counts[A], changed[A])


def test_by_hand_and_right_agrees(tmp_path, body):
    counts, spacing_mm = body
    swapped = {A: counts[P], P: counts[A]}
    path = make_scan_file(tmp_path / "scan.dcm", swapped, spacing_mm=spacing_mm)
    scan = load_scan(f"{path}#view=posterior")
    assert (scan.view_source, scan.content_check) == ("by hand", "agrees")
    np.testing.assert_array_equal(scan.counts[A], counts[A])


@pytest.mark.parametrize("order", [(A, P), (P, A), (P,)])
def test_the_image_decides_where_the_header_says_nothing(tmp_path, body, order, caplog):
    counts, spacing_mm = body
    frames = {view: counts[view] for view in order}
    path = make_scan_file(tmp_path / "scan.dcm", frames, spacing_mm=spacing_mm, edit=hide_views)
    scan = read_scan(path)
    assert (scan.view_source, scan.content_check) == ("image", "agrees")
    assert f"the image does: first frame {order[0]}" in caplog.text
    for view in order:
        np.testing.assert_array_equal(scan.counts[view], counts[view])


def test_nifti_views_in_the_wrong_order_are_refused(tmp_path, body):
    counts, spacing_mm = body
    stack = np.stack([counts[P], counts[A]])
    write_view_stack(tmp_path / "scan.nii", stack, spacing_mm, tuple(View))
    with pytest.raises(ScanError, match=r"scan.nii: .*the anterior view \(text\) looks posterior"):
        load_scan(tmp_path / "scan.nii")
    assert load_scan(f"{tmp_path / 'scan.nii'}#view=posterior").content_check == "agrees"
