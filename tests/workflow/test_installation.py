import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bonescan.workflow import installation
from bonescan.workflow.installation import find_configs
from tests.workflows import CONFIGS

FIND = "from bonescan.workflow.installation import find_configs as f; print(f())"


def test_in_a_checkout_they_lie_in_its_root():
    assert find_configs() == CONFIGS


@pytest.fixture
def package(tmp_path) -> Path:
    """The few files of the package that the search needs, away from the checkout."""
    source = Path(installation.__file__).parents[1]
    package = tmp_path / "site" / "bonescan"
    (package / "workflow").mkdir(parents=True)
    for name in ("__init__.py", "workflow/__init__.py", "workflow/installation.py"):
        shutil.copy(source / name, package / name)
    return package


def find(package):
    return subprocess.run(
        [sys.executable, "-c", FIND],
        cwd=package.parent,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_an_installation_they_lie_in_the_package(package):
    shutil.copytree(CONFIGS, package / "configs")
    assert find(package).stdout.strip() == str(package / "configs")


def test_without_them_the_error_says_where_they_should_be(package):
    assert f"configurations must be in {package / 'configs'} or" in find(package).stderr
