"""Fixtures of all tests."""

from pathlib import Path

import pytest

REFERENCE_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Return the folder of reference data beside the checkout; skip where it is absent."""
    if not REFERENCE_DATA.is_dir():
        pytest.skip(f"reference data are not at {REFERENCE_DATA}")
    return REFERENCE_DATA
