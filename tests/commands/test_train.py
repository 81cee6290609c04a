import shlex

import pytest

from bonescan.commands import main
from bonescan.workflow import launch as launch_module
from bonescan.workflow.command import compose, parse_command
from tests.workflows import ROOT, run

FAST = "['configs/train.yaml','configs/each_view.yaml','configs/fast.yaml']"


@pytest.fixture(autouse=True)
def _in_the_bundle_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def train(*words):
    return main(["train", "--data", "data/cohort", "-o", "runs/x", *words])


def composed(words):
    return compose(parse_command(words))


@pytest.mark.parametrize(
    ("words", "bundle"),
    [
        ("", "--config_file configs/train.yaml"),
        ("--fast --epochs 3", f'--config_file "{FAST}" --epochs 3'),
        (
            "lin2020_unet --seed 4 --fold 2",
            "--args_file configs/systems/lin2020_unet.yaml --seed 4 --fold 2",
        ),
        (
            "chen2023_otsu --overlay fast --set width=8 size=[320,128]",
            f'--args_file configs/systems/chen2023_otsu.yaml --config_file "{FAST}" '
            '--width 8 --size "[320,128]"',
        ),
        (
            "he2024_avg --fast --endless data/bank --set patients=9",
            "--args_file configs/systems/he2024_avg.yaml --config_file \"['configs/train.yaml',"
            "'configs/each_view.yaml','configs/fast.yaml','configs/endless.yaml',"
            "'configs/families/he2024.yaml']\" "
            "--bank data/bank --patients 9",
        ),
        (
            "--set loss::_target_=DiceLoss --resume",
            "--config_file configs/train.yaml --loss::_target_ DiceLoss --resume True",
        ),
    ],
)
def test_it_is_a_command_of_monai_and_says_which(words, bundle, launched, capsys):
    assert train(*shlex.split(words)) == 0
    where = " --dataset_dir data/cohort --output_dir runs/x"
    expected = composed(["training", *shlex.split(bundle + where)])
    assert composed(launched) == expected
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "Weights in runs/x/model.pt"
    typed = shlex.split(shown[0])
    assert typed[:4] == ["python", "-m", "monai.bundle", "run"]
    assert composed(typed[4:]) == expected


def test_the_printed_command_names_files_from_here(launched, capsys):
    assert train("chen2023_baseline", "--fast") == 0
    shown = capsys.readouterr().out.splitlines()[0]
    assert shown == (
        "python -m monai.bundle run training --args_file configs/systems/chen2023_baseline.yaml "
        "--config_file \"['configs/train.yaml','configs/each_view.yaml','configs/fast.yaml',"
        "'configs/families/chen2023.yaml']\" --dataset_dir data/cohort --output_dir runs/x"
    )


def test_configurations_are_found_from_anywhere(launched, tmp_path, monkeypatch):
    train("he2024_fusion", "--fast")
    here = composed(launched)
    monkeypatch.chdir(tmp_path)
    train("he2024_fusion", "--fast")
    assert composed(launched) == here


def test_a_datalist_may_be_named_itself(launched, capsys):
    assert main(["train", "--data", "data/mined/few.json", "-o", "runs/x"]) == 0
    config = composed(launched)
    assert (config["dataset_dir"], config["datalist"]) == ("data/mined", "data/mined/few.json")


def test_only_the_first_process_speaks(launched, capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert train("--overlay", "multi_gpu") == 0
    assert capsys.readouterr().out == ""


def test_an_interrupted_training_says_how_to_continue(monkeypatch, capsys):
    def interrupt(**_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(launch_module, "run", interrupt)
    assert train() == 130
    assert capsys.readouterr().err == (
        "\nInterrupted: run the same command with --resume to continue.\n"
    )


def test_misspelt_key_is_refused_in_one_line(caplog):
    assert train("--set", "epoch=3") == 2
    assert [record.getMessage() for record in caplog.records] == [
        "override 'epoch' must name a key of configs/train.yaml; did you mean 'epochs'?"
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "epochs"], "setting must be KEY=VALUE, got 'epochs'"),
        (["--set", "width=3", "lin2020_unet"], "setting must be KEY=VALUE, got 'lin2020_unet'"),
        (["lin2021_unet"], "invalid choice: 'lin2021_unet'"),
        (["--overlay", "slow"], "invalid choice: 'slow'"),
        (["--epoch=3"], "unrecognized arguments: --epoch=3"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_loaded(words, message, launched, capsys):
    with pytest.raises(SystemExit, match="2"):
        train(*words)
    assert message in capsys.readouterr().err
    assert launched == []


@pytest.mark.slow
def test_missing_dataset_is_told_in_one_line(tmp_path):
    where = ("--data", str(tmp_path / "none"), "-o", str(tmp_path / "run"))
    done = run("-m", "bonescan", "train", *where)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    line = done.stdout.strip().splitlines()[-1]
    assert "datalist.json: no such datalist; name a file such as" in line
    assert not (tmp_path / "run").exists()


def test_it_ends_by_saying_how_many_epochs(launched, tmp_path, capsys):
    (tmp_path / "history.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
    assert main(["train", "--data", "data/x", "-o", str(tmp_path)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"2 epochs done. Weights in {tmp_path / 'model.pt'}"


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_the_device_is_a_word(launched, device):
    assert main(["train", "--data", "data/x", "-o", "runs/x", "--device", device]) == 0
    assert composed(launched)["device"] == device


def test_patients_without_end_are_no_crops(launched, capsys):
    assert train("--overlay", "cropped", "--endless", "data/bank") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: --endless must be without the overlay cropped: simulated")
    assert launched == []
