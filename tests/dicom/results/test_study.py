import logging

import pytest
from pydicom.dataset import Dataset

from bonescan.dicom.results.study import plain, read_study
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.dicom.results.studies import PSEUDONYM, study_of, write_one_file, write_two_files
from tests.factories import IDENTIFIERS, assign, delete
from tests.privacy import assert_silent


def test_images_are_named_by_view_and_frame(tmp_path):
    scan = write_one_file(tmp_path)
    study = study_of(scan, identified=True)
    assert list(study.images) == list(View)
    assert study.images[View.ANTERIOR].frame == 2  # the file begins with the posterior view
    assert study.images[View.POSTERIOR].frame == 1
    uids = {image.sop_instance_uid for image in study.images.values()}
    assert uids == {scan.sources[View.ANTERIOR].sop_instance_uid}
    assert {image.series_uid for image in study.images.values()} == {"1.2.3.4.5"}
    assert study.uid == "1.2.3.4"


def test_two_files_are_two_instances_without_frames(tmp_path):
    images = study_of(write_two_files(tmp_path), identified=True).images
    assert [image.frame for image in images.values()] == [None, None]
    assert len({image.sop_instance_uid for image in images.values()}) == 2
    assert len({image.series_uid for image in images.values()}) == 1


def test_nothing_of_the_source_passes_by_default(tmp_path):
    scan = write_one_file(tmp_path, assign(StudyDate="20240102", StudyID="77"))
    study = study_of(scan)
    text = f"{study!r} {study.modules} {study.images}"
    assert_silent(text)
    for value in ("1.2.3.4", "20240102", "77", scan.sources[View.ANTERIOR].sop_instance_uid):
        assert value not in text
    assert study.uid.startswith("2.25.")
    assert study.modules.PatientID == PSEUDONYM
    assert study.modules.PatientIdentityRemoved == "YES"
    assert len(study.modules.DeidentificationMethod) <= 64
    assert not study.camera


def test_the_same_scan_gives_the_same_keyed_study(tmp_path):
    first = study_of(write_one_file(tmp_path / "a"))
    again = study_of(write_one_file(tmp_path / "b"))
    other = study_of(write_one_file(tmp_path / "c", assign(StudyInstanceUID="1.2.3.5")))
    assert first.uid == again.uid != other.uid
    assert first.images == again.images


def test_a_simulated_scan_says_so_in_its_pseudonym(tmp_path):
    scan = write_one_file(tmp_path)
    study = read_study(scan.sources, pseudonym=PSEUDONYM, simulated=True, identified=False)
    assert study.modules.PatientName == f"SIMULATED^{PSEUDONYM}"


def test_identified_carries_patient_study_and_camera(tmp_path):
    study = study_of(write_one_file(tmp_path, assign(PatientWeight="71.5")), identified=True)
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber"):
        assert str(study.modules[keyword].value) == IDENTIFIERS[keyword]
    assert study.modules.PatientWeight == 71.5
    assert study.modules.StudyDate is None or study.modules.StudyDate == ""
    assert "OtherPatientIDs" not in study.modules  # retired
    assert "PatientIdentityRemoved" not in study.modules
    assert study.camera.Manufacturer == "Maker"
    assert_silent(repr(study))


def test_names_in_other_scripts_are_carried(tmp_path):
    name = "Yamada^Tarou=山田^太郎"
    encoding = assign(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=name)
    modules = study_of(write_one_file(tmp_path, encoding), identified=True).modules
    assert modules.PatientName == name
    assert list(modules.SpecificCharacterSet) == ["", "ISO 2022 IR 87"]


@pytest.mark.parametrize("identified", [False, True])
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_missing_uid_is_told(tmp_path, caplog, keyword, identified):
    caplog.set_level(logging.DEBUG)
    scan = write_one_file(tmp_path, delete(keyword))
    with pytest.raises(ScanError, match=f"scan.dcm: {keyword} must be there .* export") as caught:
        study_of(scan, identified=identified)
    assert_silent(str(caught.value) + caplog.text)


def test_a_file_that_is_gone_is_told(tmp_path):
    scan = write_one_file(tmp_path)
    scan.sources[View.ANTERIOR].path.unlink()
    with pytest.raises(ScanError, match=r"scan\.dcm: no such file"):
        study_of(scan)


def test_two_files_of_one_uid_are_refused(tmp_path):
    scan = write_two_files(tmp_path, assign(SOPInstanceUID="1.2.3.77"))
    with pytest.raises(ScanError, match=r"anterior.dcm and posterior.dcm: .* one UID twice"):
        study_of(scan)


def test_a_loss_of_the_source_is_told(tmp_path):
    assert not study_of(write_one_file(tmp_path)).lossy

    def lose(image: Dataset) -> None:
        image.LossyImageCompression = "01"
        image.LossyImageCompressionRatio = 12.5
        image.LossyImageCompressionMethod = "ISO_10918_1"

    lossy = study_of(write_one_file(tmp_path, lose)).lossy
    assert (lossy.LossyImageCompression, lossy.LossyImageCompressionRatio) == ("01", 12.5)


def test_texts_of_ours_are_short_plain_and_on_one_line():
    assert plain("Réseau\\U-Net\n2 × 3 mm²") == "Reseau/U-Net 2 x 3 mm2"
    assert len(plain(99 * "x")) == 64
