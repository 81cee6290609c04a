"""What each run of a grid trains and evaluates on, and what it waits for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.experiment import Experiment, Profile, Row
from bonescan.studies.experiments.grid import RunGrid, write_arguments

PROFILE = Profile(
    patients=9, protocol="little", overlays=["fast"], folds=4, run_folds=[0, 3], seeds=[5],
    settings={"epochs": 2, "width": 3},
)  # fmt: skip
ROWS = [
    Row(id="base", name="Base", system="chen2023_baseline"),
    Row(
        id="prior", name="Prior", system="chen2023_otsu", data="other", single_run=True,
        in_table=False,
    ),
    Row(
        id="transfer", name="Transfer", system="chen2023_otsu", initial_weights="prior",
        overrides={"epochs": 7}, profile_overrides={"full": {"epochs": 8}},
    ),
    Row(
        id="mined", name="Mined", system="chen2023_negative_mining", mined_from="base",
        profile_overrides={"fast": {"width": 4}}, evaluation={"decide": []},
    ),
]  # fmt: skip
EXPERIMENT = Experiment(
    name="tiny", title="", source="", preset="default",
    profiles={"fast": PROFILE, "full": replace(PROFILE, folds=0, overlays=[], settings={})},
    rows=ROWS,
)  # fmt: skip
DATA = ("own", "other")
"""Names of the data; the first one is that of the rows that name none."""


@pytest.fixture
def grid(tmp_path: Path) -> RunGrid:
    sets = {name: DataSet("cohort", tmp_path / "data" / f"{name}.json") for name in DATA}
    return RunGrid(EXPERIMENT, "fast", ExperimentData(sets), tmp_path / "work")


def find(grid: RunGrid, row_id: str, fold: int | None = 3):
    return next(run for run in grid.runs() if run.row.id == row_id and run.fold == fold)


def test_one_run_for_each_row_fold_and_seed(grid):
    assert [(run.row.id, run.fold, run.seed) for run in grid.runs()] == [
        ("base", 0, 5), ("base", 3, 5), ("prior", None, 5), ("transfer", 0, 5),
        ("transfer", 3, 5), ("mined", 0, 5), ("mined", 3, 5),
    ]  # fmt: skip
    assert len({run.folder for run in grid.runs()}) == 7


def test_folds_test_validate_and_train_apart(grid):
    run = find(grid, "base")
    assert (run.training["test_fold"], run.training["fold"]) == (3, 0)
    assert (run.evaluation["section"], run.evaluation["fold"]) == ("training", 3)
    prior = find(grid, "prior", None)
    assert prior.training["fold"] == 0
    assert "test_fold" not in prior.training


def test_share_of_tested_patients_leaves_the_validating_fold_out(grid):
    assert grid.test_to_training == 1 / 2
    assert replace(grid, profile_name="full").test_to_training is None


def test_held_out_patients_are_tested_without_folds(grid):
    run = find(replace(grid, profile_name="full"), "base", None)
    assert run.evaluation == {"datalist": run.training["datalist"], "section": "test"}
    assert run.training["fold"] == 0


def test_without_validation_all_patients_train(grid):
    profile = replace(grid.profile, folds=0, validated=False)
    whole = replace(grid, experiment=replace(EXPERIMENT, profiles={"fast": profile}))
    training = find(whole, "base", None).training
    assert not {"fold", "test_fold"} & set(training)
    assert [Path(file).stem for file in training["config_file"]][:4] == [
        "train", "each_view", "fast", "all_training",
    ]  # fmt: skip


def test_without_validation_the_tested_fold_is_left_out_all_the_same(grid):
    profile = replace(grid.profile, validated=False)
    folds = replace(grid, experiment=replace(EXPERIMENT, profiles={"fast": profile}))
    training = find(folds, "base").training
    assert training["test_fold"] == 3
    assert "fold" not in training


def test_settings_win_over_the_system_and_rows_over_settings(grid):
    assert find(grid, "base").training["epochs"] == 2
    assert find(grid, "base").training["width"] == 3
    assert find(grid, "transfer").training["epochs"] == 7
    assert find(grid, "mined").training["width"] == 4
    full = replace(grid, profile_name="full")
    assert find(full, "transfer", None).training["epochs"] == 8
    assert "width" not in find(full, "mined", None).training


def test_data_of_the_rows(grid):
    assert find(grid, "base").training["datalist"].endswith("/own.json")
    assert find(grid, "prior", None).training["datalist"].endswith("/other.json")
    base, mined = find(grid, "base"), find(grid, "mined")
    assert Path(mined.training["datalist"]) == base.folder / "mined" / "datalist.json"
    assert mined.evaluation["datalist"].endswith("/own.json")
    assert mined.evaluation["decide"] == []
    assert base.mined == Path(base.training["datalist"])
    assert mined.mined is None


def test_image_sets_have_runs_of_their_own(grid, tmp_path):
    crops = DataSet("crops", tmp_path / "crops" / "datalist.json", originals=4)
    rows = [ROWS[0], replace(ROWS[0], id="cropped", data="crops")]
    both = replace(
        grid,
        experiment=replace(EXPERIMENT, rows=rows),
        data=ExperimentData({**grid.data.sets, "crops": crops}),
    )
    whole, cropped = (find(both, row.id) for row in rows)
    assert [run.folder.parents[1].name for run in (whole, cropped)] == ["cohort", "crops"]
    assert cropped.training["datalist"] == cropped.evaluation["datalist"] == str(crops.datalist)
    overlays = [
        [Path(file).stem for file in run.training["config_file"]] for run in (whole, cropped)
    ]
    assert "cropped" in overlays[1]
    assert "cropped" not in overlays[0]


def test_runs_wait_for_what_they_need(grid):
    transfer, prior = find(grid, "transfer"), find(grid, "prior", None)
    assert transfer.needs == (prior.folder,)
    assert transfer.training["initial_weights"] == str(prior.folder / "model.pt")
    assert find(grid, "mined").needs == (find(grid, "base").folder,)


def test_generated_images_are_trained_on_beside_those_of_each_row(grid, tmp_path):
    rows = [
        Row(
            id="gan", name="GAN", system="lin2020_unet_res", overlays=["dcgan"], single_run=True,
            in_table=False, generates={"fast": 6, "full": 70},
        ),
        replace(ROWS[0], id="few", data="other", generated_from="gan"),
        replace(ROWS[0], id="many", data="own", generated_from="gan"),
    ]  # fmt: skip
    sets = {name: DataSet(name, tmp_path / f"{name}.json", originals=3) for name in DATA}
    joined = replace(
        grid,
        experiment=replace(EXPERIMENT, rows=rows),
        profile_name="full",
        data=ExperimentData(sets),
    )
    gan, few, many = (find(joined, row.id, None) for row in rows)
    assert (gan.generated, few.generated) == (70, 0)
    assert [Path(file).stem for file in gan.training["config_file"]][:4] == [
        "train", "each_view", "cropped", "dcgan",
    ]  # fmt: skip
    assert gan.joined == {
        "with-other.json": sets["other"].datalist,
        "with-own.json": sets["own"].datalist,
    }
    for run, name in ((few, "other"), (many, "own")):
        assert Path(run.training["datalist"]) == gan.folder / "generated" / f"with-{name}.json"
        assert run.training["added_section"] == "generated"
        assert run.evaluation["datalist"] == str(sets[name].datalist), "tested on real images"
        assert run.needs == (gan.folder,)
    assert "added_section" not in gan.training


def test_folds_can_be_chosen(grid):
    chosen = replace(grid, run_folds=(2,))
    assert {run.fold for run in chosen.runs()} == {2, None}
    with pytest.raises(ValueError, match=r"folds must be among 0..3, got \[1, 4\]"):
        replace(grid, run_folds=(1, 4)).runs()


def test_folder_of_other_settings_is_refused(grid):
    run = find(grid, "base")
    path = write_arguments(run, "arguments.json")
    assert json.loads(path.read_text())["seed"] == 5
    assert write_arguments(run, "arguments.json") == path
    changed = replace(run, training={**run.training, "epochs": 3})
    with pytest.raises(ValueError, match=r"arguments.json must hold the settings of this run"):
        write_arguments(changed, "arguments.json")
