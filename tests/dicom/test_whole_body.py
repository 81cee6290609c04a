"""Which files are whole-body bone scans, and which of their frames are the image."""

import re

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import (
    assert_both_views,
    assign,
    delete,
    make_item,
    make_scan_file,
    make_window,
)

A, P = View.ANTERIOR, View.POSTERIOR


def four_frames(image: Dataset) -> None:
    """Turn the two frames into E1D1, E1D2, E2D1, E2D2, the image in window 2."""
    image.NumberOfFrames = 4
    image.PixelData = bytes(reversed(image.PixelData)) + image.PixelData
    image.NumberOfEnergyWindows = 2
    image.EnergyWindowInformationSequence = [
        make_window(110.0, 126.0, "Tc99m_SC"),
        make_window(126.45, 154.55, "Tc99m_EM"),
    ]
    image.EnergyWindowVector = [1, 1, 2, 2]
    image.DetectorVector = [1, 2, 1, 2]


def test_window_around_140_kev_is_the_image(tmp_path):
    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=four_frames)))


@pytest.mark.parametrize("other", [(50.0, 400.0), (138.0, 143.0), (120.0, 160.0)])
def test_window_of_the_usual_width_around_140_kev_is_the_image(tmp_path, other):
    def edit(image: Dataset) -> None:
        four_frames(image)
        image.EnergyWindowInformationSequence[0] = make_window(*other)

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))


def test_frames_without_vectors_are_detectors_within_windows(tmp_path):
    def edit(image: Dataset) -> None:
        four_frames(image)
        del image.EnergyWindowVector, image.DetectorVector

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))


@pytest.mark.parametrize(
    ("scatter", "photopeak"),
    [
        ("Tc99m_SC", "Tc99m_EM"),
        ("SC2", "WB SCAN"),
        ("Lower scatter", "Peak-140"),
        ("Compton", "Tc99m"),
    ],
)
def test_scatter_window_without_limits_is_known_by_its_name(tmp_path, caplog, scatter, photopeak):
    def edit(image: Dataset) -> None:
        four_frames(image)
        windows = image.EnergyWindowInformationSequence
        for window, name in zip(windows, (scatter, photopeak), strict=True):
            window.EnergyWindowName = name
            del window.EnergyWindowRangeSequence

    assert_both_views(read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit)))
    assert not caplog.text


def test_windows_that_say_nothing_give_the_first_with_a_warning(tmp_path, caplog):
    def edit(image: Dataset) -> None:
        four_frames(image)
        del image.EnergyWindowInformationSequence

    scan = read_scan(make_scan_file(tmp_path / "scan.dcm", edit=edit))
    assert [source.frame for source in scan.sources.values()] == [0, 1]
    assert "2 energy windows, none said to hold 140.5 keV; window 1 is taken" in caplog.text


def has_nuclide(meaning: str):
    def edit(image: Dataset) -> None:
        item = Dataset()
        item.RadionuclideCodeSequence = [make_item(("1", "L", meaning))]
        image.RadiopharmaceuticalInformationSequence = [item]

    return edit


@pytest.mark.parametrize("meaning", ["^99m^Technetium", "Tc-99m", "99mTc", "Technetium Tc99m"])
def test_technetium_is_taken(tmp_path, meaning):
    assert_both_views(read_scan(make_scan_file(tmp_path / "s.dcm", edit=has_nuclide(meaning))))


def test_derived_by_compression_is_taken(tmp_path):
    derived = ["DERIVED", "PRIMARY", "WHOLE BODY", "EMISSION"]
    edit = assign(ImageType=derived, LossyImageCompression="00")
    assert_both_views(read_scan(make_scan_file(tmp_path / "a.dcm", edit=edit)))
    path = make_scan_file(tmp_path / "b.dcm", edit=assign(ImageType=derived), syntax=RLELossless)
    assert_both_views(read_scan(path))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (assign(Modality="CT"), "modality must be NM (nuclear medicine), got CT"),
        (delete("Modality"), "modality must be NM (nuclear medicine), got none"),
        (
            assign(ImageType=["DERIVED", "PRIMARY", "RECON TOMO", "EMISSION"]),
            "no planar whole-body acquisition: ImageType value 3 must be WHOLE BODY, got RECON "
            "TOMO (60 x 26 pixels, 2 frames)",
        ),
        (
            assign(ImageType=["ORIGINAL", "PRIMARY", "STATIC"], Rows=30, Columns=52),
            "got STATIC (30 x 52 pixels, 2 frames)",
        ),
        (
            assign(ImageType=["DERIVED", "SECONDARY"], SOPClassUID="1.2.840.10008.5.1.4.1.1.7"),
            "must be WHOLE BODY, got none",
        ),
        (assign(SamplesPerPixel=3, PhotometricInterpretation="RGB"), "a screenshot"),
        (assign(BurnedInAnnotation="YES"), "a screenshot"),
        (assign(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]), "a screenshot"),
        (
            assign(ImageType=["ORIGINAL", "PRIMARY", "WHOLE BODY", "TRANSMISSION"]),
            "must be a bone scan with 99mTc as it was acquired; ImageType says TRANSMISSION",
        ),
        (
            assign(ImageType=["DERIVED", "PRIMARY", "WHOLE BODY", "EMISSION"]),
            "ImageType says DERIVED, and not because of compression",
        ),
        (assign(SeriesDescription="WB Blood Pool"), "a label says blood pool"),
        (assign(ImageID="GEOMETRIC MEAN"), "a label says blood pool or geometric mean"),
        (has_nuclide("^131^Iodine"), "the header names another radionuclide than 99mTc"),
        (has_nuclide("I-131"), "another radionuclide"),
        (has_nuclide("^18^Fluorine"), "another radionuclide"),
        (has_nuclide("18F"), "another radionuclide"),
        (
            assign(EnergyWindowInformationSequence=[make_window(328.0, 400.0)]),
            "must be a scan with 99mTc; no energy window holds 140.5 keV",
        ),
        (delete("PixelData"), "no pixel data; the file is a header alone or was cut short"),
        (assign(BitsAllocated=12), "BitsAllocated must be one of (8, 16, 32), got 12"),
        (assign(Rows=0), "rows and columns must be 1 to 8192, got 0 x 26"),
        (assign(Columns=60000), "rows and columns must be 1 to 8192, got 60 x 60000"),
        (
            assign(PixelData=b"\1" * 100),
            "pixel data are cut short: 2 x 60 x 26 pixels need 6240 bytes, got 100",
        ),
        (assign(RescaleSlope=1e300), "counts must be finite numbers"),
        (delete("Rows"), "reading the pixel data's description failed, the file is damaged"),
    ],
)
def test_refused(tmp_path, edit, reason):
    path = make_scan_file(tmp_path / "scan.dcm", edit=edit)
    with pytest.raises(ScanError, match=re.escape(reason)) as caught:
        read_scan(path)
    assert str(caught.value).startswith("scan.dcm: ")
