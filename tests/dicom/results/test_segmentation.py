import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from numpy.typing import NDArray
from pydicom import dcmread

from bonescan.dicom.read import read_scan
from bonescan.dicom.results.objects import save_object
from bonescan.dicom.results.segmentation import make_bone_segmentation, make_segmentation
from bonescan.dicom.results.study import Study
from bonescan.dicom.scan import BoneScan, View
from bonescan.labels import REGION_GROUPS, REGIONS, Label, region_bit
from tests.dicom.results.studies import ALGORITHM, study_of, write_one_file, write_two_files
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM, assign, make_scan_file

SHAPE = (2, ROWS, COLUMNS)


def make_map(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """A lesion of no symmetry in each view, at other places; a bladder in the posterior view."""
    label_map = np.zeros(shape, np.uint8)
    label_map[0, 3:6, 2:4] = label_map[0, 5, 2:9] = Label.METASTASIS
    label_map[-1, 20:31, -3:] = label_map[-1, 20, 5:] = Label.METASTASIS
    label_map[-1, 40:43, 7:9] = Label.BLADDER
    return label_map


def write(study: Study, label_map: NDArray[np.uint8], folder: Path) -> Path:
    made = make_segmentation(study, ALGORITHM, label_map, SPACING_MM)
    assert made is not None
    save_object(made, folder / "seg.dcm")
    return folder / "seg.dcm"


def frames_of(path: Path) -> NDArray[np.bool_]:
    """Frames (segment, view, row, column) as pydicom reads them."""
    seg = dcmread(path)
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    return frames.reshape(len(seg.SegmentSequence), -1, seg.Rows, seg.Columns).astype(bool)


@pytest.mark.parametrize("make_scan", [write_one_file, write_two_files])
def test_masks_come_back_to_the_pixel(tmp_path, make_scan: Callable[[Path], BoneScan]):
    label_map = make_map()
    path = write(study_of(make_scan(tmp_path)), label_map, tmp_path)
    expected = np.stack([label_map == label for label in (Label.METASTASIS, Label.BLADDER)])
    np.testing.assert_array_equal(frames_of(path), expected)


@pytest.mark.parametrize("shape", [(37, 11), (30, 7), (41, 13)])
@pytest.mark.parametrize("views", [tuple(View), (View.POSTERIOR,)])
def test_frames_need_not_end_at_a_byte(tmp_path, shape, views):
    counts = {view: np.resize(BOTH[view], shape) for view in views}
    scan = read_scan(
        make_scan_file(tmp_path / "s.dcm", counts, edit=assign(SeriesInstanceUID="1.2.9"))
    )
    rng = np.random.default_rng(shape[0])
    label_map = rng.integers(0, 3, (len(views), *shape)).astype(np.uint8)
    path = write(study_of(scan), label_map, tmp_path)
    for number, label in enumerate((Label.METASTASIS, Label.BLADDER)):
        np.testing.assert_array_equal(frames_of(path)[number], label_map == label)


def test_highdicom_finds_the_mask_of_a_source_frame(tmp_path):
    study = study_of(write_one_file(tmp_path), identified=True)
    label_map = make_map()
    seg = segread(write(study, label_map, tmp_path))
    uid = study.images[View.ANTERIOR].sop_instance_uid
    # Frame 1 of the file is the posterior view, frame 2 the anterior one.
    masks = seg.get_pixels_by_source_frame(uid, [2, 1])  # (frame, row, column, segment)
    np.testing.assert_array_equal(masks[..., 0], label_map == Label.METASTASIS)
    np.testing.assert_array_equal(masks[..., 1], label_map == Label.BLADDER)


def test_highdicom_finds_the_mask_of_a_source_file(tmp_path):
    study = study_of(write_two_files(tmp_path), identified=True)
    label_map = make_map()
    seg = segread(write(study, label_map, tmp_path))
    uids = [study.images[view].sop_instance_uid for view in reversed(View)]
    masks = seg.get_pixels_by_source_instance(uids)
    np.testing.assert_array_equal(masks[..., 0], label_map[::-1] == Label.METASTASIS)


def test_segments_say_what_they_are_and_what_made_them(tmp_path):
    seg = segread(write(study_of(write_one_file(tmp_path)), make_map(), tmp_path))
    lesions, bladder = (seg.get_segment_description(number) for number in (1, 2))
    assert lesions.segmented_property_type.value == "14799000"
    assert bladder.segmented_property_type.value == "89837001"
    assert lesions.segmented_property_category != bladder.segmented_property_category
    assert lesions.algorithm_type.value == "AUTOMATIC"
    (identity,) = lesions.SegmentationAlgorithmIdentificationSequence
    assert identity.AlgorithmName == "U-Net"
    assert identity.AlgorithmVersion == "0.7 (fedcba98)"
    assert "threshold=0.5" in identity.AlgorithmParameters
    assert list(lesions.RecommendedDisplayCIELabValue) != list(
        bladder.RecommendedDisplayCIELabValue
    )


def test_object_says_where_it_belongs_and_what_it_is_for(tmp_path):
    study = study_of(write_two_files(tmp_path))
    seg = dcmread(write(study, make_map(), tmp_path))
    assert seg.StudyInstanceUID == study.uid
    assert seg.ContentQualification == "RESEARCH"
    assert "Research use only, not for diagnosis" in seg.SeriesDescription
    assert seg.SoftwareVersions == "bonescan 0.7 (fedcba98)"
    assert seg.SeriesInstanceUID not in {image.series_uid for image in study.images.values()}
    (series,) = seg.ReferencedSeriesSequence
    named = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]
    assert named == [image.sop_instance_uid for image in study.images.values()]
    assert "FrameOfReferenceUID" not in seg
    (measures,) = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert list(measures.PixelSpacing) == list(SPACING_MM)  # row, column
    labels = [
        item.FrameContentSequence[0].FrameLabel for item in seg.PerFrameFunctionalGroupsSequence
    ]
    assert labels == 2 * ["anterior", "posterior"]


def test_a_label_that_is_nowhere_has_no_segment(tmp_path):
    study = study_of(write_one_file(tmp_path))
    label_map = np.zeros(SHAPE, np.uint8)
    assert make_segmentation(study, ALGORITHM, label_map, SPACING_MM) is None
    label_map[1, 4, 5] = Label.BLADDER
    seg = dcmread(write(study, label_map, tmp_path))
    assert [item.SegmentLabel for item in seg.SegmentSequence] == ["Bladder"]
    assert frames_of(tmp_path / "seg.dcm").sum(axis=(0, 2, 3)).tolist() == [0, 1]


def test_a_mask_may_cover_everything(tmp_path):
    label_map = np.full(SHAPE, Label.METASTASIS, np.uint8)
    assert frames_of(write(study_of(write_one_file(tmp_path)), label_map, tmp_path)).all()


def test_uids_are_those_of_the_same_input_and_system(tmp_path):
    def uids(label_map: NDArray[np.uint8], **changes: object) -> tuple[str, str]:
        study = study_of(write_one_file(tmp_path))
        algorithm = dataclasses.replace(ALGORITHM, **changes)
        made = make_segmentation(study, algorithm, label_map, SPACING_MM)
        assert made is not None
        save_object(made, tmp_path / "seg.dcm")
        return made.SeriesInstanceUID, made.SOPInstanceUID

    first = uids(make_map())
    assert uids(make_map(), date=ALGORITHM.date.replace(year=2030)) == first
    series, instance = uids(make_map()[::-1])
    assert (series == first[0], instance == first[1]) == (True, False)
    series, instance = uids(make_map(), weights=("99999999",))
    assert (series == first[0], instance == first[1]) == (False, False)


def test_a_loss_of_the_source_is_one_of_the_segmentation(tmp_path):
    study = study_of(write_one_file(tmp_path))
    assert dcmread(write(study, make_map(), tmp_path)).LossyImageCompression == "00"
    lossy = study_of(write_one_file(tmp_path, assign(LossyImageCompression="01")))
    assert dcmread(write(lossy, make_map(), tmp_path)).LossyImageCompression == "01"


def test_a_map_of_other_views_is_refused(tmp_path):
    study = study_of(write_one_file(tmp_path))
    with pytest.raises(ValueError, match=r"label_map must be .* of 2 views, got \(1, 60, 26\)"):
        make_segmentation(study, ALGORITHM, make_map()[:1], SPACING_MM)


@pytest.fixture
def bones() -> NDArray[np.int64]:
    """Two overlapping bones of which one is in one view alone, and a vertebra beside them."""
    regions = np.zeros(SHAPE, np.int64)
    regions[:, 3:20, 2:9] = region_bit("ribs_right")
    regions[1, 10:31, 5:] |= region_bit("scapula_left")
    regions[0, 40, 7:12] = region_bit("t7")
    return regions


def write_bones(folder: Path, regions: NDArray[np.int64], *, identified: bool = False) -> Path:
    study = study_of(write_one_file(folder), identified=identified)
    made = make_bone_segmentation(study, ALGORITHM, regions, SPACING_MM)
    assert made is not None
    save_object(made, folder / "bones.dcm")
    return folder / "bones.dcm"


def test_bones_come_back_to_the_pixel_with_their_codes_and_sides(tmp_path, bones):
    seg = dcmread(write_bones(tmp_path, bones))
    described = []
    for item in seg.SegmentSequence:
        (kind,) = item.SegmentedPropertyTypeCodeSequence
        sides = kind.get("SegmentedPropertyTypeModifierCodeSequence", [])
        described.append((item.SegmentLabel, kind.CodeValue, [side.CodeValue for side in sides]))
    assert described == [
        ("Thoracic spine", "122495006", []),
        ("Left scapula", "79601000", ["7771000"]),
        ("Right ribs", "113197003", ["24028007"]),
    ]
    names = ("t7", "scapula_left", "ribs_right")
    expected = np.stack([(bones & region_bit(name)) != 0 for name in names])
    np.testing.assert_array_equal(frames_of(tmp_path / "bones.dcm"), expected)
    assert seg.SegmentsOverlap == "YES"


def test_highdicom_finds_the_bones_of_a_source_frame(tmp_path, bones):
    seg = segread(write_bones(tmp_path, bones, identified=True))
    uid = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    masks = seg.get_pixels_by_source_frame(uid, [2, 1], segment_numbers=[2])
    np.testing.assert_array_equal(masks[..., 0], (bones & region_bit("scapula_left")) != 0)


def test_bones_are_an_object_of_their_own(tmp_path, bones):
    study = study_of(write_one_file(tmp_path))
    of_bones = make_bone_segmentation(study, ALGORITHM, bones, SPACING_MM)
    of_lesions = make_segmentation(study, ALGORITHM, make_map(), SPACING_MM)
    assert of_bones is not None
    assert of_lesions is not None
    assert of_bones.SeriesInstanceUID != of_lesions.SeriesInstanceUID
    assert of_bones.SeriesNumber != of_lesions.SeriesNumber
    assert make_bone_segmentation(study, ALGORITHM, np.zeros_like(bones), SPACING_MM) is None
    with pytest.raises(ValueError, match=r"regions must be .* of 2 views, got \(1, 60, 26\)"):
        make_bone_segmentation(study, ALGORITHM, bones[:1], SPACING_MM)


def test_every_group_of_bones_has_a_name_and_a_colour_of_its_own(tmp_path):
    regions = np.full(SHAPE, sum(map(region_bit, REGIONS)), np.int64)
    segments = dcmread(write_bones(tmp_path, regions)).SegmentSequence
    assert len(segments) == len(REGION_GROUPS)
    assert len({item.SegmentLabel for item in segments}) == len(REGION_GROUPS)
    colours = {tuple(item.RecommendedDisplayCIELabValue) for item in segments}
    assert len(colours) == len(REGION_GROUPS)


def test_dcmtk_reads_it(tmp_path):
    tool = shutil.which("dcmdump")
    if tool is None:
        pytest.skip("dcmdump is not installed (Debian package dcmtk)")
    path = write(study_of(write_one_file(tmp_path)), make_map(), tmp_path)
    done = subprocess.run([tool, path], capture_output=True, text=True, check=True)
    assert "SegmentSequence" in done.stdout
    assert not done.stderr
