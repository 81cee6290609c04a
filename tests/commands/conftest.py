from pathlib import Path

import pytest


@pytest.fixture
def run_folder(tmp_path) -> Path:
    """A folder with nothing but the file that tells what was trained."""
    folder = tmp_path / "a run"
    folder.mkdir()
    (folder / "system.json").write_text("{}")
    return folder
