"""Scans for the transforms: a drawn body, and the real scan of pydicom."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from tests.conftest import COLUMN_MM, ROW_MM


def draw_body(spacing_mm: tuple[float, float] = (ROW_MM, COLUMN_MM)) -> np.ndarray:
    """Draw a whole-body scan (1024, 300) of counts: head, neck, trunk, arms and legs as boxes.

    In mm from the top of the head: neck 190 to 230, shoulders 230, legs part at 880, length 1700.
    The body lies 150 mm below the first row and 10 mm left of the middle of the image.
    """
    row_mm, column_mm = spacing_mm
    counts = np.zeros((1024, 300), dtype=np.float32)
    row = (np.arange(1024) * row_mm - 150.0)[:, None]
    column = (np.arange(300) * column_mm - 290.0 + 15.0)[None, :]
    parts = [  # top, bottom, left, right in mm, counts
        (0, 190, -75, 75, 9.0),
        (190, 230, -45, 45, 7.0),
        (230, 880, -170, 170, 11.0),
        (260, 900, -245, -195, 6.0),
        (260, 900, 195, 245, 6.0),
        (240, 290, -245, 245, 8.0),
        (880, 1700, -125, -20, 5.0),
        (880, 1700, 20, 125, 5.0),
    ]
    for top, bottom, left, right, level in parts:
        inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        counts[inside] = level
    return counts


@pytest.fixture
def body_counts() -> np.ndarray:
    """Counts (row, column) of a drawn body with Poisson noise, on pixels that are not square."""
    return np.random.default_rng(4).poisson(draw_body()).astype(np.float32)


@pytest.fixture(scope="session")
def real_counts() -> np.ndarray:
    """Counts (row, column) of the real anterior scan that comes with pydicom; 2.26 mm pixels."""
    scan = read_scan([Path(get_testdata_file("JPGExtended.dcm"))])
    return scan.counts[View.ANTERIOR]
