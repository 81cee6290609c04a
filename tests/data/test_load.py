"""One type of scan, whatever file it comes from."""

import numpy as np
import pytest

from bonescan.data.load import load_scan, load_scan_or_map
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan, ScanFacts, Source, View
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM, make_scan_file

STACK = np.stack(list(BOTH.values())).astype(np.int32)


@pytest.fixture
def dicom(tmp_path):
    return make_scan_file(tmp_path / "scan.dcm")


@pytest.fixture
def nifti(tmp_path):
    path = tmp_path / "scan.nii.gz"
    write_view_stack(path, STACK, SPACING_MM, tuple(View))
    return path


def test_a_scan_is_the_same_from_dicom_and_from_nifti(dicom, nifti):
    for scan in (load_scan(dicom), load_scan(nifti)):
        assert isinstance(scan, BoneScan)
        assert (scan.size, scan.views) == ((ROWS, COLUMNS), tuple(View))
        assert scan.spacing_mm == pytest.approx(SPACING_MM)
        assert scan.stack().dtype == np.float32
        np.testing.assert_array_equal(scan.stack(), STACK)
        for view in View:
            np.testing.assert_array_equal(scan.counts[view], BOTH[view])


def test_a_dicom_scan_is_what_its_reader_reads(dicom):
    assert load_scan(dicom).facts == read_scan(dicom).facts


def test_facts_are_those_of_the_scan_without_its_counts(dicom):
    scan = load_scan(dicom)
    assert type(scan.facts) is ScanFacts
    assert not hasattr(scan.facts, "counts")
    for name in (
        "spacing_mm",
        "scan_id",
        "acquisition",
        "sources",
        "views",
        "view_source",
        "content_check",
    ):
        assert getattr(scan.facts, name) == getattr(scan, name)


def test_views_of_a_nifti_scan_know_their_frame_in_the_file(nifti):
    scan = load_scan(f"{nifti}#view=posterior")
    np.testing.assert_array_equal(scan.counts[View.ANTERIOR], BOTH[View.POSTERIOR])
    assert scan.sources == {View.ANTERIOR: Source(nifti, 1), View.POSTERIOR: Source(nifti, 0)}


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_a_map_keeps_its_dtype_and_bits(tmp_path, dtype):
    values = np.full((1, 4, 3), np.iinfo(dtype).max, dtype)
    write_view_stack(tmp_path / "map.nii", values, SPACING_MM, (View.POSTERIOR,))
    scan, array = load_scan_or_map(tmp_path / "map.nii")
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, values)
    assert (scan.views, scan.size) == ((View.POSTERIOR,), (4, 3))


def test_counts_of_a_scan_are_its_values(dicom):
    scan, array = load_scan_or_map(dicom)
    np.testing.assert_array_equal(array, scan.stack())
