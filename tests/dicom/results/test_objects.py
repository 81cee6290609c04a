from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from bonescan.dicom.results.objects import save_object

NAMES = {
    "ISO_IR 100": "Müller^Jörg",
    "ISO_IR 192": "山田^太郎",
    ("", "ISO 2022 IR 87"): "Yamada^Tarou=山田^太郎",
}


@pytest.mark.parametrize("characters", NAMES)
def test_a_file_holds_all_elements_in_the_character_set_that_it_names(tmp_path: Path, characters):
    made = Dataset()
    made.SpecificCharacterSet = characters if isinstance(characters, str) else list(characters)
    made.SOPClassUID = SecondaryCaptureImageStorage
    made.PatientName = NAMES[characters]
    other = Dataset()
    other.PatientName = NAMES[characters]
    made.OtherPatientIDsSequence = [other]
    made.InstanceNumber = 7
    save_object(made, tmp_path / "made.dcm")
    read = dcmread(tmp_path / "made.dcm")
    assert read == made
    assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert read.PatientName == read.OtherPatientIDsSequence[0].PatientName == NAMES[characters]
