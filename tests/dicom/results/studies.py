"""Scans on disk with all UIDs, and what results of them say."""

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from bonescan.dicom.read import read_scan
from bonescan.dicom.results.objects import Algorithm
from bonescan.dicom.results.study import Study, read_study
from bonescan.dicom.scan import BoneScan, View
from tests.factories import BOTH, Edit, make_scan_file

PSEUDONYM = "0a1b2c"
ALGORITHM = Algorithm(
    name="U-Net",
    version="0.7 (fedcba98)",
    weights=("12345678", "87654321"),
    parameters=("assessed=thorax", "threshold=0.5"),
    date=datetime(2024, 2, 3, 4, 5, 6),
)


def add_series(image: Dataset) -> None:
    image.SeriesInstanceUID = f"{image.StudyInstanceUID}.5"


def write_one_file(folder: Path, *edits: Edit) -> BoneScan:
    """Write a scan of one file; its frames come in the order posterior, anterior."""

    def edit(image: Dataset) -> None:
        add_series(image)
        for each in edits:
            each(image)

    counts = {view: BOTH[view] for view in reversed(View)}
    return read_scan(make_scan_file(folder / "scan.dcm", counts, edit=edit))


def write_two_files(folder: Path, *edits: Edit) -> BoneScan:
    """Write a scan of two files, one a view, in one series."""
    paths = []
    for view in View:

        def edit(image: Dataset) -> None:
            add_series(image)
            for each in edits:
                each(image)

        path = folder / f"{view}.dcm"
        paths.append(make_scan_file(path, {view: BOTH[view]}, edit=edit))
    return read_scan(paths)


def study_of(scan: BoneScan, *, identified: bool = False) -> Study:
    return read_study(scan.sources, pseudonym=PSEUDONYM, simulated=False, identified=identified)


def verify(path: Path) -> str:
    """Check a file against the Standard; return what the tool says; skip where it is absent."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    done = subprocess.run([tool, "-new", path], capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert "Error" not in report, report
    return report
