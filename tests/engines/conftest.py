"""A trained run that several tests use."""

from pathlib import Path

import pytest

from tests.workflows import run_workflow


@pytest.fixture(scope="session")
def trained(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny training on the test cohort."""
    folder = tmp_path_factory.mktemp("trained")
    run_workflow("train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(folder))
    return folder
