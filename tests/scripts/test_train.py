import pytest

from scripts.train import main
from tests.workflows import ROOT, run


@pytest.fixture(autouse=True)
def _in_the_bundle_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_help(capsys):
    assert main(["--help"]) == 0
    assert "--args_file configs/systems/lin2020_unet.yaml" in capsys.readouterr().out


@pytest.mark.parametrize("config", [[], ["--config_file", "configs/train.yaml"]])
def test_misspelt_key_is_refused_in_one_line(caplog, config):
    assert main(["--epoch", "3", *config]) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "override 'epoch' must name a key of configs/train.yaml; did you mean 'epochs'?"
    ]


def test_missing_configuration_is_refused_in_one_line(caplog):
    assert main(["--config_file", "configs/nothing.yaml"]) == 2
    assert len(caplog.records) == 1
    assert "configs/nothing.yaml" in caplog.text


@pytest.mark.slow
def test_missing_dataset_is_told_in_one_line(tmp_path):
    done = run(
        "scripts/train.py", "--dataset_dir", str(tmp_path / "none"),
        "--output_dir", str(tmp_path / "run"),
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    line = done.stdout.strip().splitlines()[-1]
    assert "datalist.json: no such datalist; give --dataset_dir, or simulate a cohort" in line
    assert not (tmp_path / "run").exists()
