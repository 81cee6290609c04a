"""Every experiment is loaded, fits the configurations, and its mistakes are named."""

from pathlib import Path

import pytest
import yaml
from monai.bundle import ConfigParser

from bonescan.studies.experiments.data import DataSet, ExperimentData
from bonescan.studies.experiments.experiment import (
    PROFILES,
    REQUIRED_PROFILES,
    Experiment,
)
from bonescan.studies.experiments.experiment_file import load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid, write_arguments
from bonescan.workflow.command import check_overrides, compose, parse_command
from bonescan.workflow.installation import find_systems

EXPERIMENTS = sorted((CONFIGS / "experiments").glob("*.yaml"))

TINY = {
    "title": "A table",
    "source": "A paper",
    "preset": "default",
    "metrics": ["dsc"],
    "profiles": {name: {"patients": 5, "protocol": "little"} for name in REQUIRED_PROFILES},
    "rows": [
        {"id": "first", "name": "First", "system": "lin2020_unet", "published": {"dsc": 0.5}},
        {"id": "second", "name": "Second", "system": "lin2020_unet", "initial_weights": "first"},
    ],
}


def write(folder: Path, name: str = "tiny", **changed: object) -> Path:
    (folder / "experiments").mkdir(exist_ok=True)
    if not (folder / "systems").exists():
        (folder / "systems").symlink_to(CONFIGS / "systems")
    path = folder / "experiments" / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**TINY, **changed}))
    return path


def fake_data(experiment: Experiment, profile: str, folder: Path) -> ExperimentData:
    images = {
        name: DataSet(name, folder / name / "datalist.json", originals=3)
        for name in experiment.profiles[profile].image_sets
    }
    parts = {name: DataSet("cohort", folder / f"{name}.json") for name in experiment.datalists}
    whole = {"cohort": DataSet("cohort", folder / "datalist.json")}
    return ExperimentData({**images, **parts} or whole)


def has_rows(experiment: Experiment, profile: str) -> bool:
    return profile in experiment.profiles and any(
        profile in row.profiles for row in experiment.rows
    )


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("profile", PROFILES)
def test_experiments_override_known_keys_only(path, profile, tmp_path):
    experiment = load_experiment(path)
    if not has_rows(experiment, profile):
        return
    experiment = experiment.at(profile)
    grid = RunGrid(experiment, profile, fake_data(experiment, profile, tmp_path), tmp_path)
    for row in experiment.rows:
        run = grid.runs_of(row)[0]
        command = parse_command(["--args_file", str(write_arguments(run, "arguments.json"))])
        check_overrides(command)
        config = ConfigParser(compose(command))
        expected = {
            **grid.profile.settings, **row.overrides, **row.profile_overrides.get(profile, {}),
        } if not row.steps else {"input": str(run.folder / "scans.json")}  # fmt: skip
        assert {key: config[key] for key in expected} == expected
        assert config["output_dir"] == str(run.folder)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_full_profile_trains_as_published(path):
    full = load_experiment(path).profiles["full"]
    assert not set(full.overlays) & {"fast"}
    assert not full.settings


@pytest.mark.parametrize("name", ["lin2020_table2", "he2024_table2"])
@pytest.mark.parametrize("profile", ["small", "full"])
def test_papers_without_validation_train_on_all_images_and_keep_the_last_epoch(
    name, profile, tmp_path
):
    experiment = load_experiment(CONFIGS / "experiments" / f"{name}.yaml").at(profile)
    grid = RunGrid(experiment, profile, fake_data(experiment, profile, tmp_path), tmp_path)
    run = grid.runs_of(experiment.rows[0])[0]
    config = compose(parse_command(["--args_file", str(write_arguments(run, "arguments.json"))]))
    assert (config["fold"], config["test_fold"], config["keep"]) == (None, None, "last")
    assert config["validate"]["evaluator"] is None
    assert config["choice"]["evaluator"] is None, "an operating point needs patients for validation"
    assert "RandFlipd" not in str(config["augmentation"])


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_small_profile_has_five_trainings_of_other_patients_than_it_was_tuned_on(path):
    experiment = load_experiment(path)
    if not has_rows(experiment, "small"):
        return
    small = experiment.profiles["small"]
    assert len(small.seeds) * (small.folds or 1) >= 5
    assert small.tuned_on_seed not in {None, small.cohort_seed}
    assert small.folds or small.test_share * small.patients >= 20


def test_rows_of_another_loss_have_another_name_and_no_published_figure():
    for path in EXPERIMENTS:
        experiment = load_experiment(path)
        for name, profile in experiment.profiles.items():
            if "loss::metastasis_weight" not in profile.settings:
                continue
            rows = experiment.at(name).table_rows
            assert all("cross-entropy x100 + Dice" in row.name for row in rows)
            assert not any(row.published for row in rows)


def test_every_published_system_is_in_a_table():
    rows = [row for path in EXPERIMENTS for row in load_experiment(path).rows]
    papers = ("chen2023", "he2024", "lin2020", "lin2022")
    systems = {path.stem for path in find_systems()}
    published = {name for name in systems if name.startswith(papers)}
    assert len(published) == 19
    assert published <= {row.system for row in rows}


def test_names_and_numbers_of_a_sweep(tmp_path):
    row = {
        **TINY["rows"][0],
        "published": {4: {"dsc": 0.7}},
        "sweep": {"key": "network_def#clusters", "symbol": "K", "values": [3, 4]},
    }
    first, second = load_experiment(write(tmp_path, rows=[row])).rows
    assert (first.id, first.name, first.x) == ("first-3", "First, K = 3", 3)
    assert (second.series, second.overrides) == ("First", {"network_def#clusters": 4})
    assert (first.published, second.published) == ({}, {"dsc": 0.7})


def test_rows_of_a_sweep_are_compared_at_the_same_value(tmp_path):
    sweep = {"key": "width", "symbol": "w", "values": [8, 16]}
    row = {**TINY["rows"][0], "sweep": sweep}
    other = {
        **row, "id": "other", "name": "Other", "compared_with": ["first"],
        "profile_names": {"fast": "Little"},
    }  # fmt: skip
    experiment = load_experiment(write(tmp_path, rows=[row, other]))
    assert [row.compared_with for row in experiment.rows] == [[], [], ["first-8"], ["first-16"]]
    assert [row.name for row in experiment.at("fast").rows[2:]] == [
        "Little, w = 8",
        "Little, w = 16",
    ]
    assert [row.series for row in experiment.at("fast").rows[2:]] == ["Other", "Other"]


def test_one_experiment_takes_from_another(tmp_path):
    write(tmp_path)
    path = tmp_path / "experiments" / "other.yaml"
    taken = {"from": "tiny", "id": "first", "compared_with": []}
    path.write_text(yaml.safe_dump({"like": "tiny", "title": "Another", "rows": [taken]}))
    other = load_experiment(path)
    assert (other.name, other.title, other.source) == ("other", "Another", "A paper")
    assert [row.published for row in other.rows] == [{"dsc": 0.5}]
    path.write_text(yaml.safe_dump({"like": "tiny", "rows": [{"from": "tiny", "id": "third"}]}))
    with pytest.raises(ValueError, match=r"other.yaml, row third: tiny must have a row of this id"):
        load_experiment(path)


FIRST, SECOND = TINY["rows"]
DECIDING = {"metrics": ["all_right"], "rows": [], "decisions": {"published_cases": {}}}
TWO_FOLDS = {"patients": 5, "protocol": "x", "folds": 2}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metric": "dsc"}, r"tiny.yaml: keys must be among name, title.*got \['metric'\]"),
        ({"rows": [{**FIRST, "sort": "x"}]}, r"row first: keys must be among .*\['sort'\]"),
        ({"rows": [{**FIRST, "system": "x"}]}, r"row first: system must be among .*\['x'\]"),
        ({"rows": [FIRST, FIRST]}, r"ids of rows must differ, got \['first', 'first'\]"),
        ({"rows": [SECOND, FIRST]}, r"row second: rows that it needs must be among \(none\), got"),
        ({"rows": [{**FIRST, "compared_with": ["x"]}]}, "row first: compared_with must be among f"),
        ({"rows": [{**FIRST, "data": "x"}]}, r"data must be among \(none\), got \['x'\]"),
        ({"metrics": ["dice"]}, r"metrics must be among .*got \['dice', 'dsc'\]"),
        ({"rows": [{**FIRST, "profiles": ["x"]}]}, r"row first: profiles must be .*'x'"),
        ({"computed": ["x"]}, r"metrics must be among .*got \['dsc', 'x'\]"),
        ({"convention": "mean"}, r"convention must be among pooled, per_.*got \['mean'\]"),
        ({"published_image_set": {"scans": 3}}, r"published_image_set must be .*got \['scans'\]"),
        ({"metrics": ["f1_of_means"]}, r"first of the metrics must .*, got 'f1_of_means'"),
        (
            {"profiles": dict.fromkeys(REQUIRED_PROFILES, TWO_FOLDS)},
            "profile fast: folds must be 0, or 3 to train on one, got 2",
        ),
        (
            {"profiles": {key: {**TWO_FOLDS, "folds": 3} for key in REQUIRED_PROFILES}, **DECIDING},
            "profile fast: folds must be 0 for decisions, got 3",
        ),
        (
            {**DECIDING, "rows": [FIRST]},
            r"metrics must be among all_right, report_right, accuracy_metastasis.*'dsc'\]",
        ),
        ({"decisions": {"readers": {"x": {}}}}, "decisions, reader x: .*'name' and 'published'"),
        ({"remarks": [{"One": "two"}]}, "remarks must be texts"),
        ({"metrics": []}, "metrics must name at least one, got none"),
        ({"metrics": ["x"], "convention": "y"}, r"convention .*\['y'\]; metrics .*'x'\]"),
        ({"profiles": {"fast": {"patients": 5, "protocol": "x"}}}, r"profiles must be .*'fast'\]"),
        ({"profiles": {"fast": {"patients": 5}}}, "profile fast: .*'protocol'"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        load_experiment(write(tmp_path, **changed))


def test_rows_and_names_of_a_profile(tmp_path):
    path = write(
        tmp_path,
        rows=[
            {**FIRST, "profile_names": {"fast": "First, another loss"}},
            {**FIRST, "id": "third", "profiles": ["full"]},
        ],
    )
    experiment = load_experiment(path)
    (fast,) = experiment.at("fast").rows
    assert (fast.name, fast.published) == ("First, another loss", {})
    assert [row.name for row in experiment.at("full").rows] == ["First", "First"]
    assert experiment.at("full").rows[0].published == {"dsc": 0.5}
    with pytest.raises(ValueError, match="tiny: profile must be one of fast, full, got 'small'"):
        experiment.at("small")


def test_profile_without_rows_is_refused(tmp_path):
    rows = [{**FIRST, "profiles": ["full"]}]
    with pytest.raises(ValueError, match="tiny: profile must have a row, 'fast' has none"):
        load_experiment(write(tmp_path, rows=rows)).at("fast")


def test_figures_that_cannot_be_run_have_a_line(tmp_path):
    line = {"name": "Somehow", "published": {"dsc": 0.7}, "x": 9}
    (found,) = load_experiment(write(tmp_path, published_lines=[line])).published_lines
    assert (found.name, found.published, found.x) == ("Somehow", {"dsc": 0.7}, 9)


def test_unknown_experiment(tmp_path):
    known = write(tmp_path)
    with pytest.raises(ValueError, match="experiment must be one of tiny, got 'small'"):
        load_experiment(known.with_name("small.yaml"))


def test_rows_choose_among_all_image_sets_of_a_profile_and_the_datalists(tmp_path):
    sets = {"plain": {}, "augmented": {"total": 40}}
    profiles = {
        name: {"patients": 5, "protocol": "little", "image_sets": sets} for name in PROFILES
    }
    parts = {"own": {"training": {"primary": "breast", "metastases": True}}}
    rows = [{**FIRST, "data": name, "id": name} for name in ("augmented", "own", "plain")]
    known = {"profiles": profiles, "datalists": parts, "rows": rows}
    experiment = load_experiment(write(tmp_path, **known))
    assert [row.data for row in experiment.rows] == ["augmented", "own", "plain"]
    assert experiment.profiles["fast"].image_sets["augmented"].total == 40
    compared = [*rows[:2], {**rows[2], "compared_with": ["augmented"]}]
    with pytest.raises(ValueError, match=r"row plain: compared_with must be among plain, got"):
        load_experiment(write(tmp_path, **{**known, "rows": compared}))
    del profiles["full"]["image_sets"]
    with pytest.raises(ValueError, match=r"data must be among own, got \['augmented'\]"):
        load_experiment(write(tmp_path, **known))
