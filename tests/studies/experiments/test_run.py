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
    for _ in range(2):
        assert set(module.perform(run)) == {"training", "generation"}
    assert asked == [(run.folder, {"number": 6, "seed": 7})]
    joined = json.loads((images / "with-real.json").read_text())
    assert [entry["image"] for entry in joined["generated"]] == ["0.nii"]
    (entry,) = joined["training"]
    assert (images / entry["image"]).resolve() == (real.parent / "a.nii").resolve()
