"""Folders of trainings as `bonescan train` and `bonescan evaluate` leave them, without training."""

import json
from pathlib import Path

import numpy as np
import torch

from bonescan.files import write_rows
from bonescan.image_form import ImageForm
from bonescan.metrics.lesion import LesionScores
from bonescan.report.evaluated_images import EvaluatedImage, write_evaluated_images
from bonescan.report.image_results import ImageResult, score_image, summarise
from bonescan.report.tables import write_image_csv

SPACING_MM = (2.5, 3.0)
PATIENTS = ("p1", "p2", "p3", "p4")
PARAMETERS = 4 * 5 + 3


def make_masks(shift: int, patient: int, rows: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Return prediction and truth: the prediction lies `shift` columns beside the true lesion."""
    truth, pred = np.zeros((2, rows, 12), bool)
    truth[2 : 4 + patient, 3:6] = True
    pred[2 : 4 + patient, 3 + shift : 6 + shift] = True
    return pred, truth


def make_results(shift: int, patients=PATIENTS, rows: int = 9) -> list[ImageResult]:
    """Score one anterior image of each patient, predicted with a probability of 0.9."""
    return [
        score_image(
            pred,
            truth,
            scan_id=f"scan-{patient}",
            patient=patient,
            form=ImageForm.ANTERIOR,
            spacing_mm=SPACING_MM,
            lesion_scores=LesionScores(prob=0.9 * pred),
        )
        for number, patient in enumerate(patients)
        for pred, truth in [make_masks(shift, number, rows)]
    ]


def make_run(folder: Path, *, epochs: int = 3, planned: object = 3, **settings) -> Path:
    """Write the folder of a training that is not evaluated."""
    folder.mkdir(parents=True)
    config = {"epochs": planned, "fold": 0, "loss": {"_target_": "A"}, **settings}
    system = {"name": "U-Net <b>", "key_metric": {"dice": {}}}
    record = {"data_sha256": "abc123def456", "seed": 7, "device": "cpu", "threads": 2}
    for name, content in {"config": config, "system": system, "run": record}.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    rows = [
        {
            "epoch": epoch,
            "loss": 2.0 / epoch,
            "learning_rate": 0.1,
            "validation_metric": "" if epoch == 2 else 0.1 * epoch,
            "seconds": 1.5,
            "images": 10,
        }
        for epoch in range(1, epochs + 1)
    ]
    if rows:
        write_rows(folder / "history.csv", rows)
    state = {
        "a.weight": torch.zeros(4, 5),
        "n.bias": torch.zeros(3),
        "n.running_mean": torch.ones(9),
    }
    torch.save(state, folder / "model.pt")
    return folder


def evaluate(
    folder: Path, shift: int, *, data="abc123def456", patients=PATIENTS, rows: int = 9, keep=True
) -> Path:
    """Write an evaluation into the folder of a training."""
    inside = folder / "evaluation"
    inside.mkdir()
    results = make_results(shift, patients, rows)
    summary = summarise(results, simulated=True, resamples=200)
    summary["operating_point"] = {"is": f"rule {shift}"}
    document = {"U-Net": summary, "Best single intensity threshold": {}}
    (inside / "summary.json").write_text(json.dumps(document), encoding="utf-8")
    (inside / "run.json").write_text(json.dumps({"data_sha256": data}), encoding="utf-8")
    write_image_csv(inside / "images.csv", results)
    if keep:
        images = [_to_image(result, shift, number, rows) for number, result in enumerate(results)]
        write_evaluated_images(inside / "images.npz", images)
    return folder


def _to_image(result: ImageResult, shift: int, number: int, rows: int) -> EvaluatedImage:
    pred, truth = make_masks(shift, number, rows)
    return EvaluatedImage(
        scan_id=result.scan_id,
        patient=result.patient,
        form=result.form,
        spacing_mm=SPACING_MM,
        posterior_flipped=True,
        mirrored_copy=False,
        simulated=True,
        uptake=np.full((rows, 12), 9, np.uint8),
        pred_bits=np.packbits(pred),
        truth_bits=np.packbits(truth),
    )
