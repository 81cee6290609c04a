"""The whole way with programs that stand in for nnU-Net's, stopped on the way and gone on with."""

import json
import os
import shutil

import pytest
import torch

from bonescan.commands import main
from bonescan.studies.peers.compare import Training, choose_length, require_fast
from bonescan.studies.peers.length import NNUNET_LENGTH, Length
from bonescan.studies.peers.trained_run import Effort
from tests.studies.peers.fake_nnunet import VERSION, install

pytestmark = [
    pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning"),
    pytest.mark.skipif(torch.cuda.is_available(), reason="the run is told to have had no GPU"),
]


def effort(**values):
    return Effort(**{"epochs": 9, "images": 1200, "clock_s": 90.0, "memory_mb": 1.0,
                     "parameters": 5, **values})  # fmt: skip


def test_budgets_worked_out_by_hand():
    first = choose_length("images", effort(), 5, [])
    assert first == Length(epochs=48, epoch_steps=5)  # 1200 / 5
    done = Training("images", first, 5, effort(clock_s=720.0))  # 3 s a step
    assert choose_length("time", effort(), 5, [done]).steps == 30  # 90 / 3
    assert choose_length("default", effort(), 5, [done]) == NNUNET_LENGTH


def test_a_long_run_is_not_for_the_fast_profile():
    require_fast(effort(images=2500, clock_s=2400.0))
    for values in ({"images": 2501}, {"clock_s": 2401.0}):
        with pytest.raises(ValueError, match="train one of fewer epochs, or choose --profile full"):
            require_fast(effort(**values))


@pytest.fixture
def words(trained_system, system_datalist, tmp_path):
    python = install(tmp_path / "bin")
    return ["compare-nnunet", str(trained_system("lin2020_unet_res")), "-o", str(tmp_path / "out"),
            "--data", str(system_datalist), "--nnunet-python", str(python)]  # fmt: skip


def test_a_comparison_is_gone_on_with_and_written(words, tmp_path, capsys):
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "nnUNetv2_train failed with exit code 1; see" in error
    assert "one or more background workers are no longer alive" in error
    assert main(words) == 0
    assert "plan: done before" in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "out.json").read_text())
    own, *theirs = document["rows"]
    assert document["exported"]["images"] == {"train": 4, "val": 4, "test": 2}
    assert document["exported"]["labels"] == ["metastasis"]
    assert own["effort"]["images"] == 8
    assert own["difference"] is None
    assert [(row["budget"], row["mirrored"]) for row in theirs] == [
        ("images", True), ("images", False), ("time", True), ("time", False),
    ]  # fmt: skip
    mirrored, plain = theirs[:2]
    assert (mirrored["steps"], mirrored["effort"]["images"]) == (4, 8)
    assert mirrored["effort"]["clock_s"] == 2.0
    assert mirrored["effort"]["parameters"] == 1_234_567
    assert mirrored["pooled"]["value"] == mirrored["per_image"]["value"] == 1
    assert 0 < plain["pooled"]["value"] < 1
    expected = mirrored["pooled"]["value"] - own["pooled"]["value"]
    assert mirrored["difference"]["pooled"]["value"] == pytest.approx(expected, abs=1e-5)
    assert theirs[2]["steps"] == max(1, round(own["effort"]["clock_s"] / 0.5))
    page = (tmp_path / "out" / "out.md").read_text()
    assert f"nnU-Net v{VERSION}, bounded to 4 steps (0.0016 % of its default), equal images" in page
    assert "**simulated** patients" in page
    assert str(tmp_path) not in page
    assert (tmp_path / "out" / "out_examples.png").is_file()
    (tmp_path / "out" / "nnunet" / "BonescanTrainer_time_plain" / "test_00000_1.npz").unlink()
    assert main(words) == 1
    reason = "must hold a prediction of each test image, lacks ['test_00000_1.npz']"
    assert reason in capsys.readouterr().err


def test_a_run_on_patients_without_end_is_compared_on_files(
    trained_system, system_datalist, tmp_path
):
    run = shutil.copytree(trained_system("both_views"), tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    bank = {"name": "ab12", "preset": "default", "bodies": 30, "seed": 1, "part": "training"}
    (run / "run.json").write_text(json.dumps({**record, "bank": bank, "data_sha256": "other"}))
    python = install(tmp_path / "bin")
    words = ["compare-nnunet", str(run), "-o", str(tmp_path / "both"), "--data",
             str(system_datalist), "--nnunet-python", str(python)]  # fmt: skip
    assert main(words) == 1, "stopped on the way"
    assert main(words) == 0
    document = json.loads((tmp_path / "both" / "both.json").read_text())
    assert document["exported"] == {
        "images": {"train": 4, "val": 4, "test": 2},
        "patients": 2,
        "labels": ["metastasis", "bladder"],
    }
    own, mirrored = document["rows"][:2]
    assert own["effort"]["images"] == mirrored["effort"]["images"] == 2 * 2 * 2
    assert mirrored["pooled"]["value"] == mirrored["sensitivity"]["0.5"]["value"] == 1
    assert (tmp_path / "both" / "both_examples.png").is_file()
    assert "bodies of the training part of a bank of 30" in (tmp_path / "both/both.md").read_text()


def test_other_data_than_the_runs_is_refused(words, system_datalist, tmp_path, capsys):
    content = json.loads(system_datalist.read_text())
    content["training"].append({**content["training"][0], "patient": "other"})
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    words[words.index(str(system_datalist))] = str(other)
    assert main(words) == 1
    assert "other.json: must be the data that" in capsys.readouterr().err


REAL = os.environ.get("BONESCAN_NNUNET_PYTHON") or shutil.which("nnUNetv2_train")


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="extra peers is not installed: nnunetv2")
def test_nnunet_itself_runs_the_whole_way(words, tmp_path):
    assert main(words[:-2]) == 0
    rows = json.loads((tmp_path / "out" / "out.json").read_text())["rows"]
    assert len(rows) == 5
    assert all(row["effort"]["clock_s"] > 0 and row["scan_s"] > 0 for row in rows)
    assert all(row["effort"]["parameters"] > 1e6 for row in rows[1:])
