"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from bundle.phantom.cohort import Cohort, simulate_cohort
from bundle.phantom.presets import find_preset

REFERENCE_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Return the folder of reference data beside the checkout; skip where it is absent."""
    if not REFERENCE_DATA.is_dir():
        pytest.skip(f"reference data are not at {REFERENCE_DATA}")
    return REFERENCE_DATA


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a simulated cohort of seven patients; processes of one test run share it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "cohort"
    with FileLock(f"{folder}.lock"):
        simulate_cohort(Cohort(find_preset("default"), 7, 5, folder), workers=1)
    return folder
