"""What a perfect network reaches in geometries that lose nothing, and in one that loses much."""

import pytest

from bonescan.studies.mechanisms.ceiling import measure_ceiling
from bonescan.workflow.command import compose, parse_command
from bonescan.workflow.installation import find_configs


@pytest.fixture(scope="module")
def config():
    path = find_configs() / "systems" / "chen2023_baseline.yaml"
    return compose(parse_command(["--args_file", str(path), "--bundle_root", str(path.parents[2])]))


def test_a_window_of_its_own_pixels_loses_nothing(config, cohort):
    found = measure_ceiling(config, cohort / "datalist.json")
    assert found.dsc == 1
    assert found.kept == found.lesions > 0


def test_fewer_pixels_lose_lesions(config, cohort):
    found = measure_ceiling({**config, "size": [64, 32]}, cohort / "datalist.json")
    assert found.dsc < 0.8
    assert found.kept < found.lesions
