"""Flags: each fault is flagged, and a good scan is not."""

import numpy as np
import pytest

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.labels import Label
from bonescan.measures.quality import FlagCode, Severity, find_flags
from tests.measures.scans import make_scan, take_view

SHAPE = (2, 1024, 256)


def make_good(**changes):
    """Return a scan of a body of 100 rows by 200 columns in the middle of what was recorded."""
    rng = np.random.default_rng(5)
    expected = np.full(SHAPE, 0.2)
    expected[:, 100:900, 80:180] = 14
    expected[:, 100:900, 120:140] = 70
    expected[:, 450:470, 124:136] = 300
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[:, 450:470, 124:136] = Label.BLADDER
    counts = rng.poisson(expected).astype(np.float32)
    values = {
        "counts": counts,
        "label_map": label_map,
        "prob": np.zeros(SHAPE, np.float32),
        "field_mask": np.ones(SHAPE, bool),
        "spacing_mm": (2.4, 2.4),
    }
    return make_scan(**(values | changes))


def codes(scan):
    return [flag.code for flag in find_flags(scan)]


def test_a_good_scan_has_no_flag():
    assert codes(make_good()) == []


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"content_check": "contradicts"}, FlagCode.CONTENT_CONTRADICTS, Severity.SERIOUS),
        ({"content_check": "not sure"}, FlagCode.CONTENT_UNSURE, Severity.NOTE),
        ({"view_source": "guess"}, FlagCode.VIEWS_GUESSED, Severity.SERIOUS),
        ({"view_source": "order"}, FlagCode.VIEWS_GUESSED, Severity.WARNING),
        ({"spacing_mm": (2.4, 2.5)}, FlagCode.UNUSUAL_SPACING, Severity.WARNING),
    ],
)
def test_header(changes, code, severity):
    (flag,) = find_flags(make_good(**changes))
    assert (flag.code, flag.severity) == (code, severity)


def test_spacing_that_no_camera_has():
    flags = {flag.code: flag for flag in find_flags(make_good(spacing_mm=(6.0, 6.0)))}
    assert flags[FlagCode.UNUSUAL_SPACING].values == {"row_mm": 6.0, "column_mm": 6.0}


def test_missing_view_is_the_one_that_is_not_there():
    (flag,) = find_flags(take_view(make_good(), View.ANTERIOR))
    assert (flag.code, flag.view) == (FlagCode.MISSING_VIEW, View.POSTERIOR)


def test_low_counts_of_one_view():
    scan = make_good()
    scan.counts[1] = np.floor(scan.counts[1] / 2)
    flags = [flag for flag in find_flags(scan) if flag.code is FlagCode.LOW_COUNTS]
    assert [flag.view for flag in flags] == [View.POSTERIOR]
    assert flags[0].values == {"counts": float(scan.counts[1].sum()), "least": 1.5e6}


def test_saturated_pixels():
    scan = make_good()
    scan.counts[0] = np.minimum(scan.counts[0], 255)
    (flag,) = find_flags(scan)
    assert (flag.code, flag.view, flag.values["value"]) == (
        FlagCode.SATURATED, View.ANTERIOR, 255.0,
    )  # fmt: skip
    assert flag.values["pixels"] == np.count_nonzero(scan.counts[0] == 255)


@pytest.mark.parametrize(
    ("rows", "columns", "edge", "severity"),
    [
        (slice(400, 440), slice(150, 256), "right", Severity.NOTE),
        (slice(400, 440), slice(0, 100), "left", Severity.NOTE),
        (slice(0, 110), slice(100, 160), "upper", Severity.WARNING),
        (slice(890, 1024), slice(100, 160), "lower", Severity.WARNING),
    ],
)
def test_a_body_that_reaches_an_edge(rows, columns, edge, severity):
    scan = make_good()
    scan.counts[0, rows, columns] += 14
    (flag,) = find_flags(scan)
    assert (flag.code, flag.view, flag.severity) == (FlagCode.CUT_BODY, View.ANTERIOR, severity)
    assert flag.values == {"edge": edge}


def test_the_edge_is_that_of_what_was_recorded():
    scan = make_good()
    scan.counts[:, :, :20] = 0
    scan.counts[1, 400:440, 20:100] += 14
    (flag,) = find_flags(scan)
    assert flag.values == {"edge": "left"}


def test_an_injection_at_the_rim():
    scan = make_good()
    scan.counts[1, 500:506, 82:88] += 600
    (flag,) = find_flags(scan)
    assert (flag.code, flag.view) == (FlagCode.EDGE_HOT_SPOT, View.POSTERIOR)
    inside = make_good()
    inside.counts[1, 500:506, 126:132] += 600
    assert codes(inside) == []


def test_bone_that_outshines_everything():
    scan = make_good()
    scan.counts[0, 100:900, 120:140] *= 5
    assert FlagCode.SUPERSCAN in codes(scan)


def test_a_pelvis_without_a_bladder():
    none = np.zeros(SHAPE, np.uint8)
    assert codes(make_good(label_map=none)) == [FlagCode.NO_BLADDER]
    thorax = np.zeros(SHAPE, bool)
    thorax[:, 100:400] = True
    assert codes(make_good(label_map=none, field_mask=thorax)) == []


def test_where_the_image_ends_before_the_legs_nobody_knows_of_the_pelvis():
    scan = make_good(label_map=np.zeros(SHAPE, np.uint8))
    scan.counts[:, 500:] = 0
    assert set(codes(scan)) >= {FlagCode.CUT_BODY}
    assert FlagCode.NO_BLADDER not in codes(scan)


def test_the_gravest_comes_first():
    scan = take_view(make_good(view_source="guess", content_check="not sure"), View.POSTERIOR)
    order = [flag.severity for flag in find_flags(scan)]
    assert order == [Severity.SERIOUS, Severity.WARNING, Severity.NOTE]


def test_an_empty_scan_is_flagged_and_not_broken():
    flags = codes(make_good(counts=np.zeros(SHAPE, np.float32)))
    assert FlagCode.LOW_COUNTS in flags


def test_a_mask_of_nearly_everything():
    scan = make_good()
    label_map = scan.label_map.copy()
    label_map[1, :560] = Label.METASTASIS  # of a body from row 100 to 900
    (flag,) = find_flags(make_good(label_map=label_map))
    assert (flag.code, flag.severity) == (FlagCode.LESIONS_EVERYWHERE, Severity.SERIOUS)
    assert flag.view is View.POSTERIOR
    assert 55 < flag.values["share_percent"] < 60
    label_map[1, 480:560] = Label.BACKGROUND
    assert codes(make_good(label_map=label_map)) == []


@pytest.mark.data
def test_a_real_scan_is_flagged_for_what_is_seen_on_it(reference_data):
    scan = read_scan(reference_data / "real" / "NM1_UNC.dcm")
    counts = scan.stack().astype(np.float32)
    parts = {
        "views": list(scan.views),
        "spacing_mm": scan.spacing_mm,
        "counts": counts,
        "prob": np.zeros(counts.shape, np.float32),
        "field_mask": np.ones(counts.shape, bool),
        "view_source": str(scan.view_source),
        "content_check": str(scan.content_check),
    }
    label_map = np.zeros(counts.shape, np.uint8)
    flags = find_flags(make_scan(**parts, label_map=label_map))
    found = {(flag.code, flag.view, flag.values.get("edge")) for flag in flags}
    assert found == {
        (FlagCode.MISSING_VIEW, View.POSTERIOR, None),  # the file holds one view
        (FlagCode.CUT_BODY, View.ANTERIOR, "left"),  # both elbows leave the image
        (FlagCode.CUT_BODY, View.ANTERIOR, "right"),
        (FlagCode.NO_BLADDER, None, None),  # it is full, and nothing marks it here
    }
    label_map[0, 470:490, 120:136] = Label.BLADDER
    marked = find_flags(make_scan(**parts, label_map=label_map))
    assert FlagCode.NO_BLADDER not in {flag.code for flag in marked}
