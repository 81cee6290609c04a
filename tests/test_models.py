"""Released weights: whole, small, loaded as they are, and as good as their records say."""

import json
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
import torch

import bonescan
from bonescan import run_folder
from bonescan.data.nifti import read_view_stack
from bonescan.labels import Label
from bonescan.workflow.trust import check_system
from bonescan.zoo.release import MAX_BYTES, check_release
from tests.workflows import ROOT, locate_datalist

RELEASES = sorted(path.parent for path in (ROOT / "models").glob("*/release.json"))
NAMES = [path.name for path in RELEASES]


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_the_default_system_is_released():
    assert "both_views" in NAMES


@pytest.mark.parametrize("folder", RELEASES, ids=NAMES)
def test_files_are_those_that_were_released(folder):
    check_release(folder)
    listed = {*read(folder, "release.json")["sha256"], "release.json", "README.md"}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found - {"real.png"} == listed
    assert max(path.stat().st_size for path in folder.rglob("*")) <= MAX_BYTES


@pytest.mark.parametrize("folder", RELEASES, ids=NAMES)
def test_a_release_holds_no_code_and_plain_finite_tensors(folder):
    check_system(folder / run_folder.SYSTEM)
    state = torch.load(folder / run_folder.WEIGHTS, weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())


@pytest.mark.parametrize("folder", RELEASES, ids=NAMES)
def test_the_card_gives_the_figures_of_the_evaluation(folder):
    (summary,) = list(read(folder, "evaluation/summary.json").values())[:1]
    if "bits" in summary:
        value, low, high = itemgetter("value", "low", "high")(summary["bits"]["metastasis"]["auc"])
    else:
        value, low, high = itemgetter("value", "lower", "upper")(summary["pooled"]["dsc"])
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"{value:.3f} ({low:.3f} to {high:.3f})" in card
    assert "simulated scans, research use only" in card.split("\n\n")[0].replace("\n", " ")


@pytest.mark.slow
def test_both_views_finds_the_metastases_of_an_unseen_patient(cohort):
    """Of the tests' cohort, whose bodies are of no bank."""
    load = bonescan.load(ROOT / "models" / "both_views")
    common = marked = true = 0
    for entry in [entry for part in locate_datalist(cohort).values() for entry in part]:
        label = read_view_stack(Path(entry["label"]))
        result = load(entry["image"])
        pred, truth = (maps == Label.METASTASIS for maps in (result.label_map, label.array))
        common += np.count_nonzero(pred & truth)
        marked += np.count_nonzero(pred)
        true += np.count_nonzero(truth)
        assert result.regions is not None
    assert 2 * common / (marked + true) > 0.5
