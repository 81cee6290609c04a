"""One type of scan, whatever file it comes from."""

import nibabel as nib
import numpy as np
import pytest

from bonescan.data.load import load_scan, load_scan_or_map
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan, ScanFacts, Source, View
from bonescan.errors import ScanError
from tests.factories import (
    BOTH,
    COLUMNS,
    ROWS,
    SPACING_MM,
    make_counts,
    make_scan_file,
    make_window,
    set_pixels,
)

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


class TestDrawnMap:
    """A map that another program drew on the voxels of a scan's file."""

    @pytest.fixture
    def draw(self, tmp_path):
        """Write a map on the frames of a file, with an affine."""

        def write(frames, affine=None):
            affine = np.diag([-SPACING_MM[1], -SPACING_MM[0], 1, 1]) if affine is None else affine
            path = tmp_path / "drawn.nii.gz"
            nib.save(nib.Nifti1Image(frames.astype(np.uint8).transpose(2, 1, 0), affine), path)
            return str(path)

        return write

    def test_the_frames_are_those_of_the_file(self, draw, tmp_path):
        scan_file = make_scan_file(tmp_path / "scan.dcm", dict(reversed(BOTH.items())))
        frames = np.stack([BOTH[view] % 3 for view in (View.POSTERIOR, View.ANTERIOR)])
        scan, array = load_scan_or_map([draw(frames), str(scan_file)])
        np.testing.assert_array_equal(array, frames[::-1])
        assert scan.views == tuple(View)

    @pytest.mark.parametrize(
        "affine",
        [
            np.diag([SPACING_MM[1], -SPACING_MM[0], 1, 1]),  # flipped columns
            np.diag([-SPACING_MM[0], -SPACING_MM[1], 1, 1]),  # other pixels
        ],
    )
    def test_other_places_are_refused(self, draw, tmp_path, affine):
        scan_file = make_scan_file(tmp_path / "scan.dcm")
        frames = np.stack(list(BOTH.values())) % 3
        with pytest.raises(ScanError, match="save it on the scan's own grid"):
            load_scan_or_map([draw(frames, affine), str(scan_file)])

    def test_so_are_values_in_a_frame_that_is_no_view(self, draw, tmp_path):
        def add_window(image):
            image.NumberOfEnergyWindows = 2
            image.EnergyWindowInformationSequence.append(make_window(92, 114, "scatter"))
            image.EnergyWindowVector = [1, 1, 2, 2]
            image.DetectorVector = [1, 2, 1, 2]
            set_pixels(image, np.stack([*BOTH.values(), *BOTH.values()]))

        scan_file = make_scan_file(tmp_path / "scan.dcm", edit=add_window)
        frames = np.zeros((4, ROWS, COLUMNS))
        frames[0, 7, 3] = 1
        _, array = load_scan_or_map([draw(frames), str(scan_file)])
        assert np.argwhere(array).tolist() == [[0, 7, 3]]
        frames[2, 7, 3] = 1
        with pytest.raises(ScanError, match="values must be in the frames that are views, 1 and 2"):
            load_scan_or_map([draw(frames), str(scan_file)])

    def test_a_scan_in_two_files_is_refused(self, draw, tmp_path):
        files = [make_scan_file(tmp_path / "two" / v, {v: make_counts(v)}) for v in View]
        with pytest.raises(ScanError, match="its scan must be one file, got 2"):
            load_scan_or_map([draw(np.zeros((2, ROWS, COLUMNS))), str(files[0].parent)])
