import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from bonescan.workflow.command import (
    check_overrides,
    compose,
    current_command,
    hide_private,
    lay_files,
    parse_command,
)
from bonescan.workflow.launch import launch


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text("epochs: 5\nnested: {depth: 1, width: 2}\n")
    (tmp_path / "more.yaml").write_text("width: 7\n")
    (tmp_path / "args.yaml").write_text("config_file: base.yaml\nepochs: 9\n")


def test_overrides_are_typed_as_monai_types_them():
    command = parse_command(["--config_file", "base.yaml", "--epochs", "1e1", "--nested#depth=3"])
    assert command.config_files == ("base.yaml",)
    assert dict(command.overrides) == {"epochs": 10.0, "nested#depth": 3}


def test_an_arguments_file_may_lie_near_the_root():
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("config_file: base.yaml\nepochs: 8\n")
        file.flush()
        assert parse_command(["--args_file", file.name]).overrides == {"epochs": 8}


@pytest.fixture
def bundle(tmp_path):
    """A bundle of a workflow, a base with an overlay, a system over it and one without base."""
    configs = tmp_path / "configs"
    for name, text in {
        "train": "width: 1",
        "each": "base: configs/each.yaml",
        "fast": "base: configs/each.yaml",
        "endless": "bank: b",
        "families/paper": "width: 2",
        "systems/plain": "config_file: configs/train.yaml",
        "systems/own": "config_file: [configs/train.yaml, configs/each.yaml, "
        "configs/families/paper.yaml]",
    }.items():
        path = configs / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def lay(overlays, system=None):
        files = [str(configs / f"{name}.yaml") for name in ("train", *overlays)]
        args_files = [configs / "systems" / f"{system}.yaml"] if system else []
        return [Path(file).stem for file in lay_files(files, args_files)]

    return lay


def test_the_base_lies_under_the_overlays_and_families_over_them(bundle):
    assert bundle(["endless", "fast"], "own") == ["train", "each", "endless", "fast", "paper"]
    assert bundle(["each", "fast"], "own") == ["train", "each", "fast", "paper"]
    assert bundle(["endless", "fast"]) == ["train", "each", "endless", "fast"]
    assert bundle(["endless"]) == ["train", "endless"]
    assert bundle(["endless"], "plain") == ["train", "endless"]


@pytest.mark.parametrize("overlay", ["fast", "each"])
def test_an_overlay_of_another_base_than_the_system_s_is_refused(bundle, overlay):
    expected = rf"^{overlay}\.yaml is for systems over each\.yaml, and plain\.yaml is none: "
    with pytest.raises(ValueError, match=expected):
        bundle([overlay], "plain")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--therapy_start", "2024-01-20", "--seed"], ["--therapy_start", "HIDDEN", "--seed"]),
        (["--therapy_start=2024-01-20", "x"], ["--therapy_start=HIDDEN", "x"]),
        (["--input", "therapy.dcm"], ["--input", "therapy.dcm"]),
    ],
)  # fmt: skip
def test_a_day_of_a_patient_is_not_repeated(words, shown):
    assert hide_private(words) == shown


def test_files_and_overrides_are_composed():
    command = parse_command(
        ["run", "--config_file", "['base.yaml','more.yaml']", "--nested#depth", "4"]
    )
    assert compose(command) == {"epochs": 5, "nested": {"depth": 4, "width": 2}, "width": 7}


def test_command_line_wins_over_arguments_file():
    assert compose(parse_command(["--args_file", "args.yaml"]))["epochs"] == 9
    assert compose(parse_command(["--args_file", "args.yaml", "--epochs", "2"]))["epochs"] == 2


def test_configuration_file_is_needed():
    with pytest.raises(ValueError, match="no configuration file is given; add --config_file"):
        parse_command(["--epochs", "2"])


@pytest.mark.parametrize("key", ["epoch", "nestd#depth"])
def test_misspelt_override_is_refused(key):
    with pytest.raises(
        ValueError, match=r"must name a key of base\.yaml; did you mean '(epochs|nested)'"
    ):
        check_overrides(parse_command(["--config_file", "base.yaml", f"--{key}", "3"]))


@pytest.mark.parametrize(("word", "meant"), [("true", "True"), ("false", "False")])
def test_a_truth_that_would_be_a_text_is_refused(word, meant):
    with pytest.raises(ValueError, match=f"'nested#depth' must be {meant}, got '{word}'"):
        check_overrides(parse_command(["--config_file", "base.yaml", f"--nested#depth={word}"]))
    check_overrides(parse_command(["--config_file", "base.yaml", f"--nested#depth={meant}"]))


def test_known_overrides_pass():
    check_overrides(
        parse_command(["--config_file", "base.yaml", "--nested::depth", "3", "--epochs", "1"])
    )


def test_launcher_says_in_one_line_what_is_wrong(caplog):
    assert launch(["--config_file", "base.yaml", "--epoch", "3"]) == 2
    assert len(caplog.records) == 1
    assert "did you mean 'epochs'" in caplog.text


@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")  # of every monai.bundle.run
def test_launcher_hands_on_the_exit_code_of_a_run(tmp_path):
    (tmp_path / "exit.yaml").write_text("imports: [$import sys]\nrun: [$sys.exit(3)]\n")
    assert launch(["--config_file", "exit.yaml"]) == 3


def note_words(path: str) -> None:
    """A step of a run: leave the words of the command that runs it."""
    Path(path).write_text(" ".join(current_command().words))


@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")  # of every monai.bundle.run
def test_a_run_knows_the_command_that_was_launched(tmp_path):
    target = f"{note_words.__module__}.{note_words.__name__}"
    (tmp_path / "note.yaml").write_text(
        f"path: none\nrun: [{{_target_: {target}, path: '@path'}}]\n"
    )
    words = ("run", "--config_file", "note.yaml", "--path", "words")
    assert launch(words) == 0
    assert (tmp_path / "words").read_text() == " ".join(words)
    assert current_command() is None


@pytest.mark.parametrize("program", ["/lib/monai/bundle/__main__.py", "monai.bundle"])
def test_a_process_of_plain_monai_knows_its_command(program, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program, "run", "--config_file", "base.yaml"])
    assert current_command().words == ("--config_file", "base.yaml")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--epoch", "3"])
    with pytest.raises(ValueError, match="did you mean 'epochs'"):
        current_command()


@pytest.mark.parametrize("argv", [["pytest", "run"], ["monai.bundle", "verify_metadata"]])
def test_other_programs_have_none(argv, monkeypatch):
    monkeypatch.setattr(sys, "argv", argv)
    assert current_command() is None
