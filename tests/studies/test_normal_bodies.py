import numpy as np
import pytest

import bonescan
from bonescan.data.datalist import DATALIST_FILE, load_items
from bonescan.dicom.scan import View
from bonescan.labels import region_bit
from bonescan.studies.normal_bodies import BESIDE_BONE, mark_normals, name_region
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import describe_system


def _draw(**columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return a mask of 2 x 10 pixels and a region map in which regions fill some columns."""
    mask, regions = np.zeros((4, 12), bool), np.zeros((4, 12), np.int64)
    mask[1:3, 1:11] = True
    for name, part in columns.items():
        regions[:, part] |= region_bit(name)
    return mask, regions


def test_the_region_that_covers_more_of_a_mark_names_it():
    mask, regions = _draw(ribs_left=slice(1, 5), scapula_left=slice(4, 11))
    assert name_region(mask, regions, View.POSTERIOR) == "scapula"


def test_what_lies_outside_the_mark_does_not_count():
    mask, regions = _draw(t7=slice(0, 7), ribs_right=slice(6, 9))
    regions[0] = regions[3] = region_bit("ribs_right")
    assert name_region(mask, regions, View.ANTERIOR) == "t7"


@pytest.mark.parametrize(("view", "region"), [(View.ANTERIOR, "manubrium"), (View.POSTERIOR, "t3")])
def test_what_the_spine_hides_names_no_mark(view, region):
    mask, regions = _draw(manubrium=slice(1, 11), t3=slice(1, 8))
    assert name_region(mask, regions, view) == region


def test_a_mark_with_too_little_bone_lies_beside_it():
    mask, regions = _draw(humerus_right=slice(1, 5))  # 8 of 20 pixels
    assert name_region(mask, regions, View.ANTERIOR) == BESIDE_BONE


def test_each_finding_of_each_scan_is_a_mark(tmp_path, cohort):
    (tmp_path / "system.json").write_text(describe_system(name="Bright", network_def=NETWORK))
    save_weights(tmp_path / "model.pt", 0.9)
    system = bonescan.load(tmp_path, device="cpu", trust=True)
    datalist = cohort / DATALIST_FILE
    scans = list(mark_normals(system, datalist))
    assert len(scans) == sum(len(load_items(datalist, each)) for each in ("training", "test"))
    for scan in scans:
        assert [mark.area_mm2 for mark in scan.marks] == [
            finding.area_mm2 for finding in scan.result.findings
        ]
    assert any(mark.region != BESIDE_BONE for scan in scans for mark in scan.marks)
