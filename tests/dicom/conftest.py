"""Fixtures of the tests of reading."""

from pathlib import Path

import pytest

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan


@pytest.fixture(scope="session")
def bodies(cohort: Path) -> list[BoneScan]:
    """Return three simulated scans of whole bodies with both views."""
    folders = (cohort / f"sim-{number:04d}" for number in range(1, 4))
    return [read_scan(sorted(folder.glob("*.dcm"))) for folder in folders]
