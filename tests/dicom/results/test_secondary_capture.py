import numpy as np
import pytest
from pydicom import dcmread

from bonescan.dicom.results.objects import save_object
from bonescan.dicom.results.secondary_capture import make_secondary_capture
from bonescan.dicom.scan import View
from tests.dicom.results.studies import ALGORITHM, study_of, write_one_file


def make_picture(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (*shape, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(31, 17), (20, 33)])
def test_picture_comes_back_in_colour(tmp_path, shape):
    study = study_of(write_one_file(tmp_path))
    picture = make_picture(shape)
    save_object(make_secondary_capture(study, ALGORITHM, picture), tmp_path / "sc.dcm")
    capture = dcmread(tmp_path / "sc.dcm")
    np.testing.assert_array_equal(capture.pixel_array, picture)
    assert capture.PhotometricInterpretation == "RGB"
    assert capture.BurnedInAnnotation == "NO"
    assert capture.Modality == "OT"
    assert capture.ContentQualification == "RESEARCH"
    (processing,) = capture.ContributingEquipmentSequence
    assert processing.ContributionDescription == "assessed=thorax; threshold=0.5"
    frames = [item.ReferencedFrameNumber for item in capture.SourceImageSequence]
    assert frames == [study.images[view].frame for view in View] == [2, 1]


@pytest.mark.parametrize("picture", [make_picture((4, 5))[..., 0], make_picture((4, 5)) / 255])
def test_anything_but_rgb_is_refused(tmp_path, picture):
    with pytest.raises(ValueError, match="picture must be RGB"):
        make_secondary_capture(study_of(write_one_file(tmp_path)), ALGORITHM, picture)
