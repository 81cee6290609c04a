import json

from bonescan.workflow.adoption import adopt_weights


def test_weights_take_the_place_of_others(tmp_path):
    for name in ("run", "models"):
        (tmp_path / name).mkdir()
        for file in ("model.pt", "operating_point.json"):
            (tmp_path / name / file).write_text(f"{file} of {name}")
    for name, origin in (("run", None), ("models", "simulated")):
        (tmp_path / name / "run.json").write_text(json.dumps({"trained_on": origin, "seed": 0}))
    adopt_weights(tmp_path / "run", str(tmp_path / "models"))
    left = {file.name: file.read_text() for file in (tmp_path / "models").iterdir()}
    assert left == {
        "model.pt": "model.pt of run",
        "operating_point.json": "operating_point.json of models",
        "run.json": json.dumps({"trained_on": None}, indent=2) + "\n",
    }
