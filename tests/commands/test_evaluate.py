import json

import pytest

from bonescan.commands import main
from bonescan.workflow.command import compose, parse_command


def evaluate(*words):
    return main(["evaluate", *(str(word) for word in words)])


def composed(words):
    return compose(parse_command(words))


def test_system_and_data_are_those_of_the_run(run_folder, launched, capsys):
    (run_folder / "system.json").write_text(json.dumps({"name": "Mine", "width": 5}))
    data = {"dataset_dir": "$'2024'", "datalist": "$@dataset_dir + '/few.json'"}
    (run_folder / "config.json").write_text(json.dumps(data))
    assert evaluate(run_folder) == 0
    config = composed(launched)
    assert launched[0] == "evaluating"
    assert (config["name"], config["width"]) == ("Mine", 5)
    assert (config["run_dir"], config["section"]) == (str(run_folder), "test")
    assert {key: config[key] for key in data} == data
    assert f"See {run_folder / 'evaluation' / 'summary.md'}" in capsys.readouterr().out


def test_other_data_other_section_other_folder(run_folder, launched, tmp_path, capsys):
    (run_folder / "config.json").write_text(json.dumps({"dataset_dir": "data/x", "datalist": "y"}))
    words = ("--data", "data/other", "-o", tmp_path / "out", "--section", "training", "--fold", 3)
    assert evaluate(run_folder, *words) == 0
    config = composed(launched)
    assert (config["dataset_dir"], config["datalist"]) == (
        "data/other",
        "$@dataset_dir + '/datalist.json'",
    )
    assert (config["section"], config["fold"]) == ("training", 3)
    assert f"See {tmp_path / 'out' / 'summary.md'}" in capsys.readouterr().out


def test_it_ends_by_saying_how_many_images(run_folder, launched, tmp_path, capsys):
    rows = ["a,p,anterior", "a,p,posterior", "b,p,anterior", "b,p,anterior", "c,q,anterior"]
    (tmp_path / "images.csv").write_text("\n".join(["scan_id,patient,form", *rows]))
    assert evaluate(run_folder, "--data", "data/x", "-o", tmp_path) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Evaluated 4 images of 2 patients. See {tmp_path / 'summary.md'}"


@pytest.mark.parametrize("nested", [False, True])
def test_it_says_at_which_operating_point(run_folder, launched, tmp_path, capsys, nested):
    systems = {"Baseline": {}, "U-Net": {"operating_point": {"is": "lesions of 15 mm2 or more"}}}
    document = {"metastasis": systems, "bladder": {"U-Net": {}}} if nested else systems
    (tmp_path / "summary.json").write_text(json.dumps(document))
    assert evaluate(run_folder, "--data", "data/x", "-o", tmp_path) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    page = tmp_path / "summary.md"
    assert last == f"Operating point: lesions of 15 mm2 or more. See {page}"


def test_overlays_come_last(run_folder, launched):
    assert evaluate(run_folder, "--overlay", "multi_gpu_evaluate", "--set", "seed=7") == 0
    config = composed(launched)
    assert config["sampler"]["_target_"] == "DistributedSampler"
    assert config["seed"] == 7


def test_a_folder_without_training_is_a_wrong_argument(tmp_path, launched, capsys):
    with pytest.raises(SystemExit, match="2"):
        evaluate(tmp_path)
    assert "run must be the folder of a training, which holds system.json" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("system.json", {"name": "$__import__('os').getcwd()"}),
        ("config.json", {"dataset_dir": "$__import__('os').getcwd()", "datalist": "x.json"}),
    ],
)
def test_a_run_that_holds_code_needs_trust(run_folder, launched, capsys, file, content):
    (run_folder / file).write_text(json.dumps(content))
    assert evaluate(run_folder) == 1
    assert not launched
    assert "$__import__('os').getcwd()" in capsys.readouterr().err
    assert evaluate(run_folder, "--trust") == 0
