from pathlib import Path

import pytest

from bonescan.workflow import launch as launch_module


@pytest.fixture
def launched(monkeypatch) -> list[str]:
    """Arguments of the workflow that a command launches; nothing runs."""
    words: list[str] = []

    def take(arguments) -> int:
        words[:] = arguments
        return 0

    monkeypatch.setattr(launch_module, "launch", take)
    return words


@pytest.fixture
def run_folder(tmp_path) -> Path:
    """A folder with nothing but the file that tells what was trained."""
    folder = tmp_path / "a run"
    folder.mkdir()
    (folder / "system.json").write_text("{}")
    return folder
