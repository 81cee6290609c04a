from dataclasses import replace
from datetime import date
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from bonescan.dicom.codes import NM_IMAGE_STORAGE, PRIVATE_LABELS, VIEW_CODES, PrivateLabel
from bonescan.dicom.header import EnergyWindow, FrameHeader, ImageHeader
from bonescan.dicom.mapping import (
    ACQUISITION,
    DETECTOR,
    ENERGY_WINDOW,
    FRAMES,
    IMAGE,
    parse,
    read_private_labels,
    write_header,
)
from bonescan.dicom.scan import Acquisition, View
from bonescan.dicom.words import ViewLabel
from tests.factories import save

ANTERIOR = FrameHeader(detector=1, view_code=VIEW_CODES[View.ANTERIOR], start_angle_deg=180.0)
POSTERIOR = FrameHeader(detector=2, view_code=VIEW_CODES[View.POSTERIOR], start_angle_deg=359.5)

HEADER = ImageHeader(
    path=Path("scan.dcm"),
    modality="NM",
    sop_class_uid=NM_IMAGE_STORAGE,
    sop_instance_uid="1.2.3",
    image_type=("ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"),
    samples_per_pixel=3,
    burned_in=True,
    rows=60,
    columns=26,
    frames=(ANTERIOR, replace(POSTERIOR, energy_window=2)),
    detectors=2,
    energy_windows=(EnergyWindow(126.45, 154.55, "Tc99m_EM"), EnergyWindow(110.0, 126.0, "SC")),
    image_id="WB_E",
    series_description="BONE",
    prone=True,
    orientation=("L", "F"),
    spacing_mm=(2.4, 1.9),
    acquisition=Acquisition(
        manufacturer="Maker",
        model="Model",
        collimator="LEHR",
        radionuclide="^99m^Technetium",
        scan_velocity_mm_s=2.125,
        scan_length_mm=1901.0,
        duration_s=760.125,
        simulated=True,
    ),
)
NOT_WRITTEN = {
    *(f"{what}_digest" for what in ("study", "patient", "birth", "sex", "age", "series", "time")),
    "acquired",
    "private_labels",
    "prone_by_position",
    "recompressed",
}


def written(header: ImageHeader) -> Dataset:
    dataset = Dataset()
    write_header(header, dataset)
    return dataset


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("header", [HEADER, ImageHeader(path=HEADER.path)], ids=["full", "empty"])
def test_what_is_written_to_a_file_is_read(tmp_path, header, syntax):
    path = save(written(header), tmp_path / "scan.dcm", syntax)
    again = parse(pydicom.dcmread(path), header.path)
    assert again == replace(header, sop_class_uid=again.sop_class_uid)


@pytest.mark.parametrize(
    ("facts", "left_out"),
    [
        (HEADER, NOT_WRITTEN),
        (HEADER.frames[1], set()),
        (HEADER.energy_windows[0], set()),
        (HEADER.acquisition, set()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_law_looks_at_every_attribute(facts, left_out):
    default = vars(type(facts)())
    assert {name for name, value in vars(facts).items() if value == default[name]} == left_out


@pytest.mark.parametrize(
    "frames",
    [
        (ANTERIOR, POSTERIOR),
        (replace(POSTERIOR, detector=1), replace(ANTERIOR, detector=2)),
        (POSTERIOR, ANTERIOR),
        (ANTERIOR,),
        (replace(POSTERIOR, detector=1),),
        (POSTERIOR,),
        (FrameHeader(detector=1), POSTERIOR),
        (FrameHeader(start_angle_deg=0.0), FrameHeader(detector=2, start_angle_deg=-180.0)),
        (FrameHeader(detector=1), FrameHeader(detector=2)),
        (ANTERIOR, POSTERIOR, replace(ANTERIOR, energy_window=2)),
        (replace(POSTERIOR, energy_window=2), ANTERIOR, POSTERIOR),
    ],
)
def test_frames_are_read_as_they_were_written(frames):
    header = replace(HEADER, frames=frames)
    assert parse(written(header), HEADER.path) == header


def test_frames_that_say_nothing_have_no_detector_items():
    frames = (FrameHeader(detector=1), FrameHeader(detector=2))
    dataset = written(ImageHeader(frames=frames))
    assert len(dataset.DetectorInformationSequence) == 0
    assert dataset.DetectorVector == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"energy_windows": ()},
        {"energy_windows": (EnergyWindow(name="SC"), EnergyWindow(lower_kev=126.0))},
        {"energy_windows": (EnergyWindow(), EnergyWindow(upper_kev=154.0))},
        {"spacing_mm": (1.9, 2.4)},
        {"spacing_mm": None},
        {"prone": False},
        {"prone": None},
        {"detectors": 1},
        {"burned_in": False},
        {"acquisition": Acquisition()},
        {"acquisition": Acquisition(duration_s=0.0, scan_length_mm=0.0)},
    ],
    ids=str,
)
def test_headers_are_read_as_they_were_written(changes):
    header = replace(HEADER, **changes)
    assert parse(written(header), HEADER.path) == header


@pytest.mark.parametrize(
    ("elements", "day"),
    [
        ({"AcquisitionDate": "20240305", "StudyDate": "20240304"}, date(2024, 3, 5)),
        ({"AcquisitionDateTime": "20240305113000.5", "StudyDate": "20240304"}, date(2024, 3, 5)),
        ({"StudyDate": "20240304", "SeriesDate": "20250101"}, date(2024, 3, 4)),
        ({"AcquisitionDate": "20240230", "SeriesDate": "2024.03.06"}, date(2024, 3, 6)),
        ({"ContentDate": "20240304", "PatientBirthDate": "19500304"}, None),
        ({"AcquisitionDate": "", "StudyDate": "1."}, None),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
def test_day_of_the_acquisition(elements, day):
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    assert parse(dataset, HEADER.path).acquired == day


def test_row_spacing_comes_first():
    assert written(HEADER).PixelSpacing == [2.4, 1.9]


def test_position_is_not_written_beside_the_orientation():
    assert "PatientPosition" not in written(HEADER)


def test_a_radionuclide_without_code_cannot_be_written():
    header = replace(HEADER, acquisition=Acquisition(radionuclide="Tc"))
    with pytest.raises(ValueError, match=r"must be one of \['\^99m\^Technetium'\], got 'Tc'"):
        written(header)


@pytest.mark.parametrize("table", [ACQUISITION, DETECTOR, ENERGY_WINDOW, FRAMES, IMAGE])
def test_rows_stand_in_the_data_dictionary(table):
    for row in table:
        assert dictionary_VR(row.keyword)
        assert not row.within or dictionary_VR(row.within) == "SQ"


MADE_UP = PrivateLabel("TRACERWORKS 2", 0x0029, (0x07, 0x05))


def with_private_labels() -> Dataset:
    dataset = Dataset()
    dataset.private_block(0x0011, "GEMS_GENIE_1", create=True).add_new(0x30, "LO", "WB_F")
    block = dataset.private_block(0x0029, "TRACERWORKS 2", create=True)
    block.add_new(0x05, "LO", "ANT")
    block.add_new(0x07, "LO", "WHOLE BODY")
    return dataset


def test_another_vendor_is_another_row():
    dataset = with_private_labels()
    assert read_private_labels(dataset, PRIVATE_LABELS) == ("WB_F",)
    assert read_private_labels(dataset, [MADE_UP]) == ("WHOLE BODY", "ANT")
    labels = read_private_labels(dataset, [MADE_UP, *PRIVATE_LABELS])
    assert labels == ("WHOLE BODY", "ANT", "WB_F")


def test_labels_are_those_of_everybody_then_those_of_the_vendor():
    dataset = with_private_labels()
    dataset.SeriesDescription, dataset.ImageID = "SERIES", " IMAGE "
    assert parse(dataset, HEADER.path).labels == (
        ViewLabel("ImageID", "IMAGE", suffixed=True),
        ViewLabel("SeriesDescription", "SERIES"),
        ViewLabel("a private label", "WB_F", suffixed=True),
    )


@pytest.mark.parametrize(
    ("manufacturer", "suffixed"),
    [
        ("GE Medical Systems", True),
        ("GEMS", True),
        ("SIEMENS NM", False),
        ("Gemini", False),
        ("", False),
    ],
)
def test_suffixes_are_those_of_ge(manufacturer, suffixed):
    dataset = Dataset()
    dataset.Manufacturer, dataset.ImageID = manufacturer, "WB_E"
    (label,) = parse(dataset, HEADER.path).labels
    assert label.suffixed is suffixed
