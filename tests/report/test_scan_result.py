import math
from pathlib import Path

import numpy as np
import pytest

from bonescan.dicom.scan import Source, View
from bonescan.labels import Label
from bonescan.metrics.calibration import Calibration, Recalibration
from tests.report.scan_results import HOT_COLUMN, HOT_ROW, SHAPE, make_result, take_view


def test_findings_are_the_metastases_and_not_the_bladder():
    result = make_result()
    (finding,) = result.findings
    assert (finding.view, finding.number, finding.area_px) == (View.ANTERIOR, 1, 49)
    assert finding.centroid_px == (HOT_ROW, HOT_COLUMN)
    assert (finding.max_counts, finding.score) == (400, 0.75)


def test_findings_are_numbered_view_by_view():
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[0, 5, 5] = label_map[1, 3, 3] = label_map[1, 9, 9] = Label.METASTASIS
    findings = make_result(label_map=label_map).findings
    assert [(finding.view, finding.number) for finding in findings] == [
        (View.ANTERIOR, 1), (View.POSTERIOR, 1), (View.POSTERIOR, 2),
    ]  # fmt: skip


def test_instances_part_what_touches():
    instances = np.zeros(SHAPE, np.int32)
    instances[0, :, :HOT_COLUMN] = 3
    instances[0, :, HOT_COLUMN:] = 5
    assert [finding.area_px for finding in make_result(instances=instances).findings] == [21, 28]


def test_masks_by_label():
    result = make_result()
    assert result.mask(Label.METASTASIS).sum() == 49
    assert result.mask(Label.BLADDER).sum(axis=(1, 2)).tolist() == [100, 100]


def test_a_file_of_both_views_is_named_once():
    both = {view: Source(Path("scan.dcm"), frame) for frame, view in enumerate(View)}
    assert make_result(sources=both).files == (Path("scan.dcm"),)
    assert make_result().files == (Path("a.dcm"), Path("b.dcm"))


def test_one_view_alone():
    assert take_view(make_result(), View.POSTERIOR).findings == ()
    assert len(take_view(make_result(), View.ANTERIOR).findings) == 1


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"\(view, row, column\) of 1 views, got \(2, 120, 60\)"):
        make_result(views=[View.ANTERIOR])
    for name in ("label_map", "prob", "instances", "field_mask"):
        with pytest.raises(ValueError, match=rf"{name} must have the counts' shape .*inverted"):
            make_result(**{name: np.zeros((2, 60, 120), np.uint8)})


def test_change_is_since_the_last_of_the_earlier_scans():
    assert make_result().change is None
    counts = np.random.default_rng(1).integers(0, 50, SHAPE).astype(np.float32)
    before = make_result(counts=counts, label_map=np.zeros(SHAPE, np.uint8))
    change = make_result(counts=counts, earlier=[make_result(counts=counts), before]).change
    assert [str(lesion.state) for lesion in change.lesions] == ["new"]


def test_probabilities_of_findings_and_scan_are_calibrated():
    assert make_result().probability is None
    assert make_result().findings[0].probability is None
    calibration = Calibration(
        2.0,
        lesion=Recalibration(slope=1.0, intercept=1.0, number=9, true=4),
        scan=Recalibration(slope=2.0, intercept=0.0, number=9, true=4),
    )
    result = make_result(calibration=calibration)  # its pixels are calibrated: 0.75 in the lesion
    (finding,) = result.findings
    assert finding.score == 0.75
    assert finding.probability == pytest.approx(3 * math.e / (1 + 3 * math.e))
    assert result.probability == pytest.approx(9 / 10)
