"""Fixtures of all tests."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from monai.data import MetaTensor

from bonescan.keys import META_SCAN_ID, META_VIEWS
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import find_preset
from tests.factories import SPACING_MM
from tests.workflows import run_workflow

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


@pytest.fixture
def make_stack() -> Callable[..., MetaTensor]:
    """Make a stack (view, row, column) on pixels that are not square."""

    def make(
        values: torch.Tensor | np.ndarray | None = None,
        views: str = "anterior+posterior",
        spacing_mm: tuple[float, float] = SPACING_MM,
    ) -> MetaTensor:
        number = len(views.split("+"))
        if values is None:
            values = torch.arange(number * 5 * 7, dtype=torch.float32).reshape(number, 5, 7)
        affine = torch.diag(torch.tensor([*spacing_mm, 1.0, 1.0], dtype=torch.float64))
        meta = {META_VIEWS: views, META_SCAN_ID: "scan-7"}
        return MetaTensor(torch.as_tensor(values), affine=affine, meta=meta)

    return make


@pytest.fixture(scope="session")
def trained(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny training on the test cohort."""
    folder = tmp_path_factory.mktemp("trained")
    run_workflow("train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(folder))
    return folder
