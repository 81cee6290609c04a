"""The operating point that a training leaves."""

import json

import pytest
import torch
from ignite.engine import Engine

from bonescan.handlers.operating_point import ChooseAtEnd, OperatingPointChoice
from bonescan.metrics.operating_point import read_operating_point
from bonescan.run_folder import OPERATING_POINT, WEIGHTS
from tests.workflows import locate_datalist, make_workflow, run_workflow

PROB = torch.tensor([
    [0.9, 0.9, 0.9, 0.3, 0.0, 0.85, 0.0, 0.0],
    [0.9, 0.9, 0.9, 0.3, 0.0, 0.00, 0.0, 0.7],
])[None]  # fmt: skip
TRUTH = torch.tensor([
    [1, 1, 1, 1, 0, 0, 0, 0],
    [1, 1, 1, 1, 0, 0, 2, 2],
])[None]  # fmt: skip
# of pixels: 6 common of 8 from 0.9 on, 6 + 1 false from 0.85 on, all 8 and two false from 0.3 on
# of lesions: one found, and two specks of a pixel (6 mm2)


def choose(folder, make_stack, *, truth=TRUTH, batches=1, **settings) -> dict:
    """Choose on scans of one view that are all alike."""
    image = make_stack(torch.rand(1, 2, 8), views="anterior", spacing_mm=(2.0, 3.0))
    sample = {"image": image, "label": truth, "pred": (PROB > 0.5).long(), "prob": PROB}
    engine = Engine(lambda _engine, _batch: [sample])
    OperatingPointChoice(folder, **settings).attach(engine)
    engine.run([[{"patient": f"p{number}"}] for number in range(batches)])
    return json.loads((folder / OPERATING_POINT).read_text())


def test_choice_by_hand(tmp_path, make_stack):
    chosen = choose(tmp_path, make_stack, batches=2)
    by_threshold = {row["threshold"]: row["dice"] for row in chosen["pooled_dice"]}
    assert by_threshold[0.5] == pytest.approx(12 / 16)  # 6 common, 8 predicted, 8 true
    assert max(by_threshold.values()) == pytest.approx(16 / 18)  # 8 common, 10 predicted
    assert 0.2 < chosen["threshold"] <= 0.3
    assert chosen["min_area_mm2"] == 10
    f2 = {row["min_area_mm2"]: row["f2"] for row in chosen["lesion_f2"]}
    assert (f2[0], f2[5], f2[10]) == (
        pytest.approx(5 / 7, abs=1e-6),
        pytest.approx(5 / 7, abs=1e-6),
        1,
    )
    assert chosen["chosen_on"] == {"patients": 2, "images": 2, "images_with_lesion": 2}


def test_screening_takes_the_least_area_along(tmp_path, make_stack):
    chosen = choose(tmp_path, make_stack, batches=2)
    screening = chosen["screening"]
    assert (screening["lesions"], screening["found"], screening["false"]) == (2, 2, 0)
    assert 0.85 < screening["threshold"] <= 0.9, "the highest at which the lesion has 10 mm2"
    assert choose(tmp_path, make_stack, choose=["min_area"])["screening"] is None


def test_what_a_system_decides_itself_is_left_to_it(tmp_path, make_stack):
    chosen = choose(tmp_path, make_stack, choose=["min_area"])
    assert (chosen["threshold"], chosen["min_area_mm2"]) == (None, 10)
    assert choose(tmp_path, make_stack, choose=["threshold"])["min_area_mm2"] == 0
    with pytest.raises(
        ValueError, match="choose must be among threshold, min_area, calibration, got"
    ):
        OperatingPointChoice(tmp_path, choose=["area"])


def test_calibration_is_fitted_on_the_lesions_at_the_point(tmp_path, make_stack):
    chosen = choose(tmp_path, make_stack, batches=2)
    calibration = chosen["calibration"]
    assert calibration["temperature"] > 0
    assert calibration["lesion"] is None, "at 10 mm2 all predicted lesions are true"
    assert calibration["scan"] is None, "all scans show a metastasis"
    chosen = choose(tmp_path, make_stack, batches=2, choose=["calibration"])
    lesion = chosen["calibration"]["lesion"]  # at 0.5: one of three is true, in each of 2 scans
    assert (lesion["number"], lesion["true"]) == (6, 2)
    assert lesion["slope"] > 0, "0.9 is true, 0.85 and 0.7 are not"
    assert choose(tmp_path, make_stack, choose=["threshold"])["calibration"] is None


def test_without_lesions_nothing_is_chosen(tmp_path, make_stack, caplog):
    chosen = choose(tmp_path, make_stack, truth=torch.zeros_like(TRUTH))
    assert (chosen["threshold"], chosen["min_area_mm2"]) == (None, 0)
    assert chosen["calibration"] is None
    assert "no validation image shows a lesion" in caplog.text


def test_training_chooses_with_the_weights_it_keeps(cohort, trained):
    workflow = make_workflow(
        "train", workflow_type="train", dataset_dir=str(cohort), output_dir=str(trained)
    )
    workflow.initialize()
    written = (trained / OPERATING_POINT).read_bytes()
    workflow.parser.get_parsed_content("choice#evaluator").run()
    assert (trained / OPERATING_POINT).read_bytes() == written
    network = workflow.parser.get_parsed_content("network")
    kept = torch.load(trained / WEIGHTS, weights_only=True)
    assert all(torch.equal(value, kept[key]) for key, value in network.state_dict().items())
    assert read_operating_point(trained / OPERATING_POINT).threshold is not None


def test_test_patients_choose_nothing(cohort, trained, tmp_path):
    content = locate_datalist(cohort)
    labels = [entry["label"] for entry in content["training"]]
    for number, entry in enumerate(content["test"]):
        entry["label"] = labels[number]  # of somebody else
    content["test"].pop()
    datalist = tmp_path / "datalist.json"
    datalist.write_text(json.dumps(content))
    where = {"datalist": str(datalist), "output_dir": str(tmp_path / "run")}
    run_workflow("train", workflow_type="train", **where)
    for name in (OPERATING_POINT, WEIGHTS):
        first, second = trained / name, tmp_path / "run" / name
        if name == WEIGHTS:
            one, other = (torch.load(path, weights_only=True) for path in (first, second))
            assert all(torch.equal(one[key], other[key]) for key in one)
        else:
            assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("overlays", "settings"),
    [([], {"fold": None}), ([], {"chosen_on_validation": []}), (["all_training"], {})],
)
def test_without_validation_patients_or_choices_the_step_is_left_out(
    cohort, tmp_path, overlays, settings
):
    where = {"dataset_dir": str(cohort), "output_dir": str(tmp_path)}
    workflow = make_workflow("train", *overlays, workflow_type="train", **where, **settings)
    handlers = workflow.parser.get_parsed_content("train#handlers")
    assert not any(isinstance(handler, ChooseAtEnd) for handler in handlers)
