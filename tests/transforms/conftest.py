"""Scans for the transforms: a drawn body, and the real scan of pydicom."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from tests.transforms.scans import draw_body


@pytest.fixture
def body_counts() -> np.ndarray:
    """Counts (row, column) of a drawn body with Poisson noise, on pixels that are not square."""
    return np.random.default_rng(4).poisson(draw_body()).astype(np.float32)


@pytest.fixture(scope="session")
def real_counts() -> np.ndarray:
    """Counts (row, column) of the real anterior scan that comes with pydicom; 2.26 mm pixels."""
    scan = read_scan([Path(get_testdata_file("JPGExtended.dcm"))])
    return scan.counts[View.ANTERIOR]
