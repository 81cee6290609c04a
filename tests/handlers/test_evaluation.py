import csv
import json
import operator
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from bonescan import run_folder
from bonescan.data.datalist import load_items
from bonescan.handlers.evaluation import BASELINE, EvaluationReport, read_sample
from bonescan.keys import META_SCAN_ID, META_SIMULATED, META_SPACING, META_VIEWS
from bonescan.labels import Label
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import make_workflow, run_workflow

LEVEL = 0.8003  # which no scaled count meets exactly: ties are decided either way
NAME = "Bright pixels"
PNG = b"\x89PNG"


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of the fake network and the samples that it saw."""

    folder: Path
    samples: Sequence[dict]

    def summary(self) -> dict:
        return json.loads((self.folder / run_folder.SUMMARY_JSON).read_text())

    def images(self) -> list[dict[str, str]]:
        with (self.folder / run_folder.IMAGE_ROWS).open(newline="") as file:
            return list(csv.DictReader(file))


def evaluate(cohort, run_dir, output_dir, run_id="run", **overrides):
    return run_workflow(
        "evaluate",
        workflow_type="infer",
        run_id=run_id,
        dataset_dir=str(cohort),
        run_dir=str(run_dir),
        output_dir=str(output_dir),
        network_def=NETWORK,
        name=NAME,
        **overrides,
    )


@pytest.fixture(scope="module")
def run_dir(trained, tmp_path_factory) -> Path:
    """A run with the history of a training and the weights of the fake network."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copy(trained / "history.csv", folder)
    save_weights(folder / "model.pt", LEVEL)
    return folder


@pytest.fixture(scope="module")
def evaluation(cohort, run_dir, tmp_path_factory) -> Evaluation:
    folder = tmp_path_factory.mktemp("evaluation")
    workflow = evaluate(cohort, run_dir, folder)
    dataset = workflow.parser.get_parsed_content("dataset")
    return Evaluation(folder, [dataset[index] for index in range(len(dataset))])


def pixels_by_hand(samples: Sequence[dict], is_marked: Callable, level: float) -> np.ndarray:
    """TP, FP, FN of each image, worked out plainly; is_marked(image, level) says what is marked."""
    counts = []
    for sample in samples:
        for image, label in zip(sample["image"].numpy(), sample["label"].numpy(), strict=True):
            marked, true = is_marked(image, level), label == Label.METASTASIS
            counts.append(((marked & true).sum(), (marked & ~true).sum(), (true & ~marked).sum()))
    return np.array(counts)


def assert_pooled(document: dict, counts: np.ndarray) -> None:
    tp, fp, fn = map(float, counts.sum(axis=0))
    expected = {
        "dsc": 2 * tp / (2 * tp + fp + fn),
        "iou": tp / (tp + fp + fn),
        "recall": tp / (tp + fn),
        "precision": tp / (tp + fp),
    }
    pooled = {name: document["pooled"][name]["value"] for name in expected}
    assert pooled == pytest.approx(expected, abs=1e-6)
    assert all(
        document["pooled"][name]["lower"] <= value <= document["pooled"][name]["upper"]
        for name, value in pooled.items()
    )


def test_every_held_out_image_has_a_row(cohort, evaluation):
    patients = {entry["patient"] for entry in load_items(cohort / "datalist.json", "test")}
    rows = evaluation.images()
    assert {row["patient"] for row in rows} == patients
    assert len(rows) == sum(len(sample["image"]) for sample in evaluation.samples)
    assert len({(row["patient"], row["form"]) for row in rows}) == len(rows)


def test_rows_are_those_worked_out_by_hand(evaluation):
    rows = sorted((int(row["tp"]), int(row["fp"]), int(row["fn"])) for row in evaluation.images())
    assert rows == sorted(
        map(tuple, pixels_by_hand(evaluation.samples, operator.gt, LEVEL).tolist())
    )
    assert sum(row[0] for row in rows) > 0


def test_pooled_metrics_of_the_network(evaluation):
    assert_pooled(
        evaluation.summary()[NAME], pixels_by_hand(evaluation.samples, operator.gt, LEVEL)
    )


def test_pooled_metrics_of_the_baseline(evaluation):
    document = evaluation.summary()[BASELINE]
    assert 0 < document["threshold"] <= 1
    counts = pixels_by_hand(evaluation.samples, operator.ge, document["threshold"])
    assert_pooled(document, counts)


def test_summary_says_what_was_evaluated(evaluation):
    summary = evaluation.summary()
    assert list(summary) == [NAME, BASELINE]
    for document in summary.values():
        assert document["simulated"] is True
        assert document["patients"] == document["units"] == 2
        assert document["images"] == len(evaluation.images())


def test_markdown_names_both_systems_and_the_origin(evaluation):
    text = (evaluation.folder / run_folder.SUMMARY_PAGE).read_text()
    assert text.startswith("Simulated scans: ")
    for name in (NAME, BASELINE):
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} | pooled"))
        value = evaluation.summary()[name]["pooled"]["dsc"]["value"]
        assert f"{value:.3f}" in row


def test_pictures_and_record(cohort, evaluation):
    for name in (
        run_folder.EXAMPLES,
        run_folder.FROC_CURVE,
        run_folder.RELIABILITY,
        run_folder.TRAINING_CURVES,
    ):
        assert (evaluation.folder / name).read_bytes().startswith(PNG), name
    record = json.loads((evaluation.folder / run_folder.RECORD).read_text())
    assert record["seed"] == 0
    assert len(record["data_sha256"]) == 64


def test_without_baseline_and_history(cohort, tmp_path):
    save_weights(tmp_path / "model.pt", LEVEL)
    output = tmp_path / "output"
    evaluate(cohort, tmp_path, output, run_id="evaluating", baseline=False)
    assert set(json.loads((output / run_folder.SUMMARY_JSON).read_text())) == {NAME}
    assert BASELINE not in (output / run_folder.SUMMARY_PAGE).read_text()
    assert not (output / run_folder.TRAINING_CURVES).exists()


def test_one_fold_of_the_training_patients(cohort, run_dir, tmp_path):
    evaluate(cohort, run_dir, tmp_path, section="training", fold=1, baseline=False)
    expected = load_items(cohort / "datalist.json", only_fold=1)
    patients = {row["patient"] for row in Evaluation(tmp_path, []).images()}
    assert patients == {entry["patient"] for entry in expected}


def test_what_is_tested_chooses_no_threshold(cohort):
    def patients(**settings) -> set[str]:
        workflow = make_workflow(
            "evaluate", workflow_type="infer", dataset_dir=str(cohort), **settings
        )
        entries = workflow.parser.get_parsed_content("baseline_dataset#data")
        return {entry["patient"] for entry in entries}

    everybody = {entry["patient"] for entry in load_items(cohort / "datalist.json")}
    tested = {entry["patient"] for entry in load_items(cohort / "datalist.json", only_fold=1)}
    assert patients(section="training", fold=1) == everybody - tested != everybody
    assert patients() == everybody


def test_unit_of_intervals_is_the_patient_also_where_images_were_split():
    meta = {META_VIEWS: "anterior", META_SCAN_ID: "s", META_SIMULATED: True}
    image = MetaTensor(torch.rand(1, 4, 3), affine=torch.eye(4), meta=meta)
    sample = {"image": image, "label": image, "pred": image, "prob": image}
    entry = {"patient": "image-0003", "patient_of_image": "SIM0001"}
    assert read_sample(sample, entry).patient == "SIM0001"
    assert read_sample(sample, {"patient": 7}).patient == "7"
    assert read_sample(sample, {}).patient == "s"


def test_spacing_is_that_of_the_sample_and_sides_those_of_the_entry():
    meta = {
        META_VIEWS: "anterior", META_SCAN_ID: "s", META_SIMULATED: True, META_SPACING: (0.1, 0.3)
    }  # fmt: skip
    affine = torch.diag(torch.tensor([0.25, 0.6, 1.0, 1.0], dtype=torch.float64))
    image = MetaTensor(torch.rand(1, 4, 3), affine=affine, meta=meta)
    mask = torch.zeros(1, 4, 3)
    sample = {"image": image, "label": mask, "pred": mask, "prob": mask}
    (evaluated,) = read_sample(sample, {}).images()
    assert evaluated.spacing_mm == pytest.approx((0.25, 0.6))
    assert evaluated.sides == (("R", "L"),)
    (mirrored,) = read_sample(sample, {"mirrored": True}).images()
    assert mirrored.sides == (("L", "R"),)


META = {META_VIEWS: "anterior+posterior", META_SCAN_ID: "s", META_SIMULATED: True}
PRED = torch.tensor([[[1, 1, 1, 2, 2, 0]], [[0, 0, 0, 2, 2, 0]]])
TRUTH = torch.tensor([[[1, 0, 0, 2, 2, 2]], [[0, 1, 0, 0, 0, 0]]])


def report_on(tmp_path: Path, *, extra: dict | None = None, **settings) -> dict:
    """Run a report on one scan whose label maps hold metastasis (1) and bladder (2)."""
    uptake = torch.linspace(0, 1, 12).reshape(2, 1, 6)
    image = MetaTensor(uptake, affine=torch.eye(4), meta=dict(META))
    sample = {"image": image, "label": TRUTH, "pred": PRED, "prob": (PRED == 1).float()}
    sample |= extra or {}
    engine = Engine(lambda _engine, _batch: [sample])
    engine.state.rank = 0
    report = EvaluationReport(output_dir=tmp_path, run_dir=tmp_path, name=NAME, **settings)
    report.attach(engine)
    engine.run([[{"patient": "p"}]])
    return json.loads((tmp_path / run_folder.SUMMARY_JSON).read_text())


def test_several_labels_have_a_summary_each(tmp_path):
    summary = report_on(tmp_path, label_values=[1, 2])
    by_hand = {
        "metastasis": {"precision": 1 / 3, "recall": 1 / 2},
        "bladder": {"precision": 2 / 4, "recall": 2 / 3},
    }
    for label, expected in by_hand.items():
        pooled = summary[label][NAME]["pooled"]
        values = {metric: pooled[metric]["value"] for metric in expected}
        assert values == pytest.approx(expected, abs=1e-6), label
    assert summary["bladder"][NAME]["lesions"] == 1
    assert "froc" not in summary["bladder"][NAME]
    assert summary["metastasis"] == report_on(tmp_path)
    rows = Evaluation(tmp_path, []).images()
    assert [(row["form"], row["label"]) for row in rows] == [
        ("anterior", "metastasis"), ("posterior", "metastasis"),
    ]  # fmt: skip


def test_curve_passes_through_the_point_of_the_table(evaluation):
    document = evaluation.summary()[NAME]
    curve, table = document["froc"], document["detection"]
    here = curve["threshold"].index(0.5)
    assert curve["sensitivity"][here] == table["sensitivity"]["value"] > 0
    assert curve["false_positives"][here] == table["false_positives"]["value"] > 0


def test_curve_passes_through_a_chosen_operating_point(cohort, run_dir, tmp_path):
    path = tmp_path / "point.json"
    path.write_text(json.dumps({"threshold": 0.53, "min_area_mm2": 40}))
    evaluate(cohort, run_dir, tmp_path, operating_point=str(path), baseline=False)
    result = Evaluation(tmp_path, [])
    document = result.summary()[NAME]
    curve, table = document["froc"], document["detection"]
    here = curve["threshold"].index(0.53)
    assert curve["sensitivity"][here] == table["sensitivity"]["value"] > 0
    assert curve["false_positives"][here] == table["false_positives"]["value"] > 0
    page = (tmp_path / run_folder.SUMMARY_PAGE).read_text()
    said = "probability 0.530 or more, lesions of 40 mm2 or more"
    assert document["operating_point"]["is"] == said
    assert f"Operating point of {NAME}: {said}." in page


def test_instances_are_scored_as_instances(tmp_path):
    instances = torch.tensor([[[2, 2, 1, 0, 0, 0]], [[0, 0, 0, 0, 0, 0]]])
    summary = report_on(tmp_path, extra={"pred_instances": instances})[NAME]
    assert summary["detection"]["false_positives"]["value"] == 1
    assert summary["froc"]["false_positives"][0] == 1
    assert report_on(tmp_path)[NAME]["detection"]["false_positives"]["value"] == 0


def test_tables_of_several_labels(tmp_path):
    report_on(tmp_path, label_values=[2, 1])
    rows = Evaluation(tmp_path, []).images()
    assert [(row["form"], row["label"], row["tp"], row["fp"], row["fn"]) for row in rows] == [
        ("anterior", "bladder", "2", "0", "1"),
        ("anterior", "metastasis", "1", "2", "0"),
        ("posterior", "bladder", "0", "2", "0"),
        ("posterior", "metastasis", "0", "0", "1"),
    ]
    page = (tmp_path / run_folder.SUMMARY_PAGE).read_text()
    assert page.startswith("## Bladder\n\nSimulated scans: 2 images from 1 scans of 1 patients; 1")
    assert page.index("## Metastasis\n\nSimulated") > page.index("## Bladder")
    assert page.count("| System | Pixels |") == 2
    assert (tmp_path / run_folder.EXAMPLES).read_bytes().startswith(PNG)


def test_without_metastases_there_is_no_picture_of_them(tmp_path):
    assert list(report_on(tmp_path, label_values=[2])) == ["bladder"]
    assert not (tmp_path / run_folder.EXAMPLES).exists()
    assert not (tmp_path / run_folder.FROC_CURVE).exists()


@pytest.mark.parametrize("label_values", [[], [0], [1, 3], [2, 2]])
def test_label_values_are_checked(tmp_path, label_values):
    with pytest.raises(ValueError, match="different ones of 1 metastasis, 2 bladder, got"):
        EvaluationReport(output_dir=tmp_path, run_dir=tmp_path, name="", label_values=label_values)
