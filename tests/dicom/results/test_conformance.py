"""All results of simulated scans and of a real one against the Standard."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from bonescan.dicom import codes
from bonescan.dicom.read import read_scan
from bonescan.dicom.results.encapsulated_pdf import make_encapsulated_pdf
from bonescan.dicom.results.objects import save_object
from bonescan.dicom.results.outline import outline_pixels
from bonescan.dicom.results.secondary_capture import make_secondary_capture
from bonescan.dicom.results.segmentation import make_bone_segmentation, make_segmentation
from bonescan.dicom.results.structured_report import (
    Measure,
    MeasuredChange,
    MeasuredLesion,
    MeasuredScan,
    make_structured_report,
)
from bonescan.dicom.scan import BoneScan
from bonescan.labels import Label, region_bit
from tests.dicom.results.studies import ALGORITHM, study_of, verify

AREA = Measure(codes.AREA, 54.72, codes.SQUARE_MILLIMETRE)
OWN = Measure(codes.COUNTS, 400.0, codes.COUNTS_UNIT, codes.MAXIMUM)


def make_all(scan: BoneScan, *, identified: bool) -> Iterator[Dataset]:
    """Make every kind of result, with lesions in bones with and without a side, and in none."""
    study = study_of(scan, identified=identified)
    label_map = np.zeros(scan.stack().shape, np.uint8)
    label_map[:, 300:310, 90:97] = Label.METASTASIS
    label_map[:, 500:520, 120:131] = Label.BLADDER
    segmentation = make_segmentation(study, ALGORITHM, label_map, scan.spacing_mm)
    assert segmentation is not None
    yield segmentation
    regions = np.full(label_map.shape, region_bit("sacrum") | region_bit("hand_left"))
    bones = make_bone_segmentation(study, ALGORITHM, regions, scan.spacing_mm)
    assert bones is not None
    yield bones
    outline = outline_pixels(label_map[0] == Label.METASTASIS)
    lesions = [
        MeasuredLesion(
            view=view, name=f"Lesion {number}, {view}", lesion=number, outline=outline,
            region=region, measures=[AREA, OWN], change=codes.LESION_CHANGES["grown"],
        )
        for number, region in enumerate(("sacrum", "ribs_left", None))
        for view in scan.views
    ]  # fmt: skip
    number = Measure(codes.NUMBER_OF_LESIONS, len(lesions), codes.NO_UNITS)
    described = MeasuredScan(scope="thorax only", measures=[number], comments=["Simulated"])
    change = MeasuredChange(
        measures=[Measure(codes.DAYS_SINCE, 90, codes.DAY)],
        rule=codes.PCWG3_STATES["met"],
        comments=["Simulated"],
    )
    yield make_structured_report(study, ALGORITHM, described, lesions, change)
    picture = np.zeros((31, 17, 3), np.uint8)
    yield make_secondary_capture(study, ALGORITHM, picture)
    yield make_encapsulated_pdf(study, ALGORITHM, b"%PDF-1.4 x", names_patient=identified)


def verify_all(scan: BoneScan, folder: Path, *, identified: bool) -> None:
    kinds = ("Segmentation", "Segmentation", "ComprehensiveSR", "SCImage", "EncapsulatedPDF")
    objects = make_all(scan, identified=identified)
    for number, (kind, made) in enumerate(zip(kinds, objects, strict=True)):
        path = folder / f"{number}.dcm"
        save_object(made, path)
        assert kind in verify(path)


@pytest.mark.parametrize("identified", [False, True])
@pytest.mark.parametrize(
    "names", [("scan.dcm",), ("anterior.dcm", "posterior.dcm"), ("posterior.dcm",)]
)
def test_results_of_simulated_scans_pass_dciodvfy(cohort, tmp_path, names, identified):
    folder = next(
        folder
        for folder in sorted(cohort.glob("sim-*"))
        if all((folder / name).is_file() for name in names)
    )
    scan = read_scan([folder / name for name in names])
    verify_all(scan, tmp_path, identified=identified)


@pytest.mark.data
@pytest.mark.parametrize("identified", [False, True])
def test_results_of_the_real_scan_pass_dciodvfy(reference_data, tmp_path, identified):
    scan = read_scan(reference_data / "real" / "NM1_UNC.dcm")
    verify_all(scan, tmp_path, identified=identified)
