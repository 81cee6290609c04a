import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.dicom.volume import read_dicom_volume
from bonescan.errors import ScanError
from tests.factories import BOTH, COLUMNS, ROWS, make_counts, make_dataset, save

ALONG_DETECTOR = [1, 0, 0, 0, 0, -1]
"""Of a detector in front of a patient who stands: columns to the left, rows to the feet."""


def test_a_header_that_says_nothing_is_laid_along_its_own_axes(tmp_path):
    volume = read_dicom_volume(save(make_dataset(), tmp_path / "a.dcm"))
    assert volume.size == (COLUMNS, ROWS, 2)
    np.testing.assert_allclose(volume.affine, np.diag([-1.9, -2.4, 1, 1]))


def test_orientation_and_position_are_those_of_the_first_detector(tmp_path):
    image = make_dataset()
    for number, item in enumerate(image.DetectorInformationSequence):
        item.ImageOrientationPatient = ALONG_DETECTOR if number == 0 else [-1, 0, 0, 0, 0, -1]
        item.ImagePositionPatient = [-30 + 100 * number, 7, 900]
    image.SpacingBetweenSlices = 4
    volume = read_dicom_volume(save(image, tmp_path / "a.dcm"))
    # worked out by hand: x and y change their signs from DICOM to NIfTI
    expected = [[-1.9, 0, 0, 30], [0, 0, -4, -7], [0, -2.4, 0, 900], [0, 0, 0, 1]]
    np.testing.assert_allclose(volume.affine, expected)


@pytest.mark.parametrize("cosines", [[1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0], [1, 0, 0]])
def test_an_orientation_that_is_none_is_left_aside(tmp_path, cosines):
    image = make_dataset()
    image.DetectorInformationSequence[0].ImageOrientationPatient = cosines
    volume = read_dicom_volume(save(image, tmp_path / "a.dcm"))
    np.testing.assert_allclose(volume.affine, np.diag([-1.9, -2.4, 1, 1]))


def test_views_lie_in_their_frames_and_nowhere_else(tmp_path):
    frames = {view: make_counts(view) for view in reversed(View)}
    volume = read_dicom_volume(save(make_dataset(frames), tmp_path / "a.dcm"))
    stack = np.stack([BOTH[View.ANTERIOR], BOTH[View.POSTERIOR]])
    laid_out = volume.lay_out(stack, [1, 0])
    assert laid_out[3, 7, 1] == stack[0, 7, 3] != stack[1, 7, 3]
    assert laid_out[3, 7, 0] == stack[1, 7, 3]
    alone = volume.lay_out(stack[:1], [1])
    assert not alone[..., 0].any()
    np.testing.assert_array_equal(alone[..., 1], laid_out[..., 1])


@pytest.mark.parametrize(
    ("shape", "frames"),
    [((2, COLUMNS, ROWS), [0, 1]), ((1, ROWS, COLUMNS), [2]), ((2, ROWS, COLUMNS), [0])],
)
def test_views_that_are_not_of_the_file(tmp_path, shape, frames):
    volume = read_dicom_volume(save(make_dataset(), tmp_path / "a.dcm"))
    with pytest.raises(ValueError, match="views must lie in frames of a file of"):
        volume.lay_out(np.zeros(shape), frames)


def test_a_file_without_an_image(tmp_path):
    image = make_dataset()
    del image.Rows
    with pytest.raises(ScanError, match="header must give columns, rows and frames"):
        read_dicom_volume(save(image, tmp_path / "a.dcm"))
