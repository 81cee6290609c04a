"""The steps of a run beside training and evaluation; these two are faked."""

import json
from pathlib import Path

from bonescan.studies.experiments import run as module
from bonescan.studies.experiments.experiment import Row
from bonescan.studies.experiments.grid import Run


def test_a_generator_makes_its_images_once_and_joins_them(tmp_path, monkeypatch):
    real = tmp_path / "real" / "datalist.json"
    real.parent.mkdir()
    real.write_text(json.dumps({"training": [{"image": "a.nii", "patient": "p"}]}))
    asked = []

    def generate(run: Path, output: Path, **how: int) -> Path:
        assert not output.exists(), "what an interrupted generation left is gone"
        asked.append((run, how))
        output.mkdir()
        datalist = output / "datalist.json"
        datalist.write_text(json.dumps({"generated": [{"image": "0.nii", "generated": True}]}))
        return datalist

    monkeypatch.setattr(module, "generate", generate)
    monkeypatch.setattr(module, "launch", lambda _: 0)
    run = Run(
        row=Row("gan", "GAN", "lin2020_unet_res", single_run=True), fold=None, seed=7,
        folder=tmp_path / "gan", training={"seed": 7}, evaluation={}, generated=6,
        joined={"with-real.json": real},
    )  # fmt: skip
    images = run.folder / "generated"
    images.mkdir(parents=True)
    (images / "half.nii").touch()
    assert set(module.perform(run)) == {"training", "generation"}
    assert module.perform(run) == {}
    assert asked == [(run.folder, {"number": 6, "seed": 7})]
    joined = json.loads((images / "with-real.json").read_text())
    assert [entry["image"] for entry in joined["generated"]] == ["0.nii"]
    (entry,) = joined["training"]
    assert (images / entry["image"]).resolve() == (real.parent / "a.nii").resolve()


def test_trainings_are_applied_step_by_step_to_the_test_scans_alone(tmp_path, monkeypatch):
    (tmp_path / "a.dcm").touch()
    (tmp_path / "b.dcm").touch()
    datalist = tmp_path / "datalist.json"
    sections = {
        "training": [{"image": "a.dcm", "patient": "A"}],
        "test": [{"image": "b.dcm", "patient": "B", "sites": ["ribs"]}],
    }
    datalist.write_text(json.dumps(sections))
    launched = []
    monkeypatch.setattr(module, "launch", lambda arguments: launched.append(arguments) or 0)
    run = Run(
        row=Row("all", "All", "liu2021", steps={"location": "network"}), fold=None, seed=0,
        folder=tmp_path / "all", training={"location_run": "network"},
        evaluation={"datalist": str(datalist), "section": "test"},
    )  # fmt: skip
    assert set(module.perform(run)) == {"evaluation"}
    assert module.perform(run) == {}
    assert launched == [["inference", "--args_file", str(run.folder / "arguments.json")]]
    written = json.loads((run.folder / "scans.json").read_text())
    assert written["training"] == []
    assert [entry["image"] for entry in written["test"]] == [str(tmp_path / "b.dcm")]
