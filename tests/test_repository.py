"""The repository itself: what is committed, and what is not."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_FILE_BYTES = 16 * 1024**2
FOLDERS = ("bundle", "configs", "docs", "models", "scripts", "tests")
"""The top level that users of MONAI bundles and of this project know."""
MACHINE_PATH = re.compile(r"(?<![\w.])/(tmp|work|root|home)/")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Return the committed files that are still there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_is_large(files):
    assert [str(path) for path in files if path.stat().st_size > MAX_FILE_BYTES] == []


def test_no_file_names_a_place_of_one_machine(files):
    found = [
        str(path)
        for path in files
        if ROOT / "tests" not in path.parents and MACHINE_PATH.search(text_of(path))
    ]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_is_there(files, folder):
    assert any((ROOT / folder) in path.parents for path in files)


def test_every_version_is_pinned():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 50
    assert [pin for pin in pins if not re.fullmatch(r"[\w.\-\[\]]+==[\w.+!]+", pin)] == []


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200
