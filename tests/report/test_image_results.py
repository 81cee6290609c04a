"""Summaries and tables of an evaluation."""

import csv
import json
import math

import numpy as np
import pytest

from bonescan.files import write_json
from bonescan.image_form import ImageForm
from bonescan.metrics import image
from bonescan.metrics.lesion import LesionScores
from bonescan.report.image_results import representative, score_image, summarise
from bonescan.report.tables import (
    format_interval,
    to_markdown,
    write_csv,
    write_image_csv,
)


def line(text: str) -> np.ndarray:
    return np.array([[cell == "#" for cell in text]])


def result(pred: str, truth: str, patient: str, form: ImageForm = ImageForm.ANTERIOR, prob=None):
    return score_image(
        line(pred),
        line(truth),
        scan_id=f"scan-{patient}",
        patient=patient,
        form=form,
        spacing_mm=(2.0, 3.0),
        lesion_scores=LesionScores(prob=prob),
    )


def make_results():
    return [
        result("##..#", "##...", "a"),  # TP 2, FP 1; one lesion found, one component false
        result(".....", "...##", "a", ImageForm.POSTERIOR),  # FN 2; one lesion missed
        result(".....", ".....", "b"),
        result("#....", "#....", "c"),  # TP 1
    ]


def test_numbers_of_everything():
    summary = summarise(make_results(), simulated=True, resamples=20)
    assert summary["simulated"] is True
    assert summary["images"] == 4
    assert summary["images_with_lesion"] == 3
    assert (summary["unit"], summary["units"], summary["patients"]) == ("scan", 3, 3)
    assert summary["lesions"] == 3
    assert "bootstrap over patients, 20 resamples" in summary["interval"]


def test_conventions_by_hand():
    summary = summarise(make_results(), simulated=True, resamples=20)
    assert summary["pooled"]["dsc"]["value"] == pytest.approx(6 / 9, abs=1e-6)
    assert summary["per_image"]["dsc"]["value"] == pytest.approx((4 / 5 + 0 + 1 + 1) / 4)
    assert summary["per_image_with_lesion"]["dsc"]["value"] == pytest.approx(1.8 / 3)


def test_lesions_of_both_views_belong_to_the_scan():
    detection = summarise(make_results(), simulated=True, resamples=20)["detection"]
    assert detection["sensitivity"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert detection["precision"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert detection["false_positives"]["value"] == pytest.approx(1 / 3, abs=1e-6)


def test_intervals_hold_the_value_and_are_seeded():
    results = [result("##..#", "##...", str(n)) for n in range(4)]
    results += [result("#...#", "##...", str(n)) for n in range(4, 9)]
    first = summarise(results, simulated=True, resamples=200)
    assert first == summarise(results, simulated=True, resamples=200)
    for metric in first["pooled"].values():
        assert metric["lower"] <= metric["value"] <= metric["upper"]
    dsc = first["pooled"]["dsc"]
    assert dsc["lower"] < dsc["upper"]


def test_undefined_is_none():
    summary = summarise([result(".....", ".....", "a")], simulated=False, resamples=20)
    nothing = {"value": None, "lower": None, "upper": None}
    assert summary["per_image_with_lesion"]["dsc"] == nothing
    assert summary["detection"]["sensitivity"] == nothing
    assert summary["pooled"]["dsc"]["value"] == 1


def test_probabilities_give_the_free_response_curve():
    prob = np.array([[0.9, 0.0, 0.4, 0.0, 0.3]])
    results = [result("#....", "#...#", "a", prob=prob)]  # strictest first: true, false, true
    curve = summarise(results, simulated=True, resamples=20)["froc"]
    points = list(zip(curve["false_positives"], curve["sensitivity"], strict=True))
    assert list(dict.fromkeys(points)) == [(0, 0), (0, 0.5), (1, 0.5), (1, 1)]
    here = curve["threshold"].index(0.5)
    assert points[here] == (0, 0.5), "the operating point of the table"
    assert {rate: entry["value"] for rate, entry in curve["sensitivity_at"].items()} == {
        "0.5": 0.5, "1.0": 1.0, "2.0": None, "4.0": None,
    }  # fmt: skip
    page = to_markdown({"U-Net": summarise(results, simulated=True, resamples=20)})
    assert "| Sensitivity at false positives | 0.5 per image | 1.0 per image |" in page
    assert "| U-Net | 0.500 | 1.000 | not reached (at most 1.0) | not" in page


def test_images_that_are_no_views_of_a_scan_are_their_own_unit():
    results = [result("#...#", "#....", "a"), result("..#..", "....#", "b")]
    page = to_markdown({"U-Net": summarise(results, simulated=True, resamples=20)})
    assert page.startswith("Simulated scans: 2 images from 2 patients; 2 images with 2 lesions")
    assert "| System | Sensitivity | Precision | False positives per image |" in page
    page = to_markdown({"U-Net": summarise(make_results(), simulated=True, resamples=20)})
    assert "| False positives per scan |" in page


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="at least one image, got none"):
        summarise([], simulated=True)


def test_representative_images_have_lesions():
    results = make_results()  # DSC 0.8, 0, (no lesion), 1
    assert representative(results) == [("best", 3), ("median", 0), ("worst", 1)]
    assert representative(results[:1]) == [("best", 0)]
    assert representative(results[2:3]) == [("best", 0)]
    assert representative(results[:2]) == [("best", 0), ("worst", 1)]
    assert representative([]) == []


def test_csv_has_a_row_per_image(tmp_path):
    write_image_csv(tmp_path / "images.csv", make_results())
    with (tmp_path / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert (rows[1]["form"], rows[1]["label"]) == ("posterior", "metastasis")
    assert [rows[0][key] for key in ("tp", "fp", "fn", "tn")] == ["2", "1", "0", "2"]
    assert float(rows[0]["dsc"]) == pytest.approx(0.8)
    lesion_columns = ("lesions", "lesions_found", "lesions_predicted", "lesions_false")
    assert [rows[0][key] for key in lesion_columns] == ["1", "1", "2", "1"]
    assert [rows[1][key] for key in lesion_columns] == ["1", "0", "0", "0"]


def test_csv_leaves_none_empty_and_refuses_nothing(tmp_path):
    write_csv(tmp_path / "a.csv", [{"x": None, "y": 1}])
    assert (tmp_path / "a.csv").read_text() == "x,y\n,1\n"
    with pytest.raises(ValueError, match=r"b\.csv: rows must hold at least one row"):
        write_csv(tmp_path / "b.csv", [])


def test_json_reads_back_and_refuses_nan(tmp_path):
    summary = summarise(make_results(), simulated=True, resamples=20)
    write_json(tmp_path / "summary.json", summary)
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "nan.json", {"x": float("nan")})


def test_markdown_names_data_systems_and_intervals():
    summary = summarise(make_results(), simulated=True, resamples=20)
    text = to_markdown({"U-Net": summary, "one threshold": summary})
    head = (
        "Simulated scans: 4 images from 3 scans of 3 patients; 3 images with 3 lesions, 1 without"
    )
    assert text.startswith(head)
    assert "bootstrap over patients" in text
    assert "Research use only" in text
    rows = [row for row in text.splitlines() if row.startswith(("| U-Net", "| one threshold"))]
    assert len(rows) == 2 * (3 + 1)
    assert format_interval(summary["pooled"]["dsc"]) in rows[0]
    assert text.count("\n| ---") == 2


def test_markdown_refuses_systems_on_different_images():
    four = summarise(make_results(), simulated=True, resamples=20)
    one = summarise(make_results()[:1], simulated=True, resamples=20)
    with pytest.raises(ValueError, match="must be of the same images"):
        to_markdown({"a": four, "b": one})
    with pytest.raises(ValueError, match="at least one system, got none"):
        to_markdown({})


def shift_mm(pred_mask: np.ndarray, truth_mask: np.ndarray, spacing_mm: tuple[float, float]):
    """Made-up metric: how far the mean columns of the masks are apart; NaN without either."""
    if not (pred_mask.any() and truth_mask.any()):
        return math.nan
    columns = [np.nonzero(mask)[1].mean() for mask in (pred_mask, truth_mask)]
    return abs(columns[0] - columns[1]) * spacing_mm[1]


def test_a_metric_of_another_kind_needs_one_row_to_be_in_every_table(tmp_path, monkeypatch):
    monkeypatch.setattr(image, "IMAGE_METRICS", {"shift_mm": shift_mm})
    results = make_results()  # 5 / 3 and 0.5 columns; nothing predicted; nothing; 0
    assert results[0].metrics == {"shift_mm": pytest.approx((5 / 3 - 0.5) * 3)}
    summary = summarise(results, simulated=True, resamples=20)
    entry = summary["image_metrics"]["shift_mm"]
    assert entry["value"] == pytest.approx(3.5 / 2)
    assert entry["lower"] <= entry["value"] <= entry["upper"]
    assert entry["images"] == 2
    write_json(tmp_path / "summary.json", summary)
    page = to_markdown({"U-Net": summary})
    assert "| System | Shift mm |\n| --- | --- |\n| U-Net | 1.750 (" in page
    assert "), 2 images |" in page
    write_image_csv(tmp_path / "images.csv", results)
    with (tmp_path / "images.csv").open(newline="") as file:
        assert [row["shift_mm"] for row in csv.DictReader(file)] == ["3.500000", "", "", "0.000000"]


def test_a_metric_that_no_image_has_is_none(monkeypatch):
    monkeypatch.setattr(image, "IMAGE_METRICS", {"shift_mm": shift_mm})
    summary = summarise([result(".....", "##...", "a")], simulated=True, resamples=20)
    nothing = {"value": None, "lower": None, "upper": None, "images": 0}
    assert summary["image_metrics"] == {"shift_mm": nothing}
    assert "| U-Net | n/a, 0 images |" in to_markdown({"U-Net": summary})


def test_intervals_as_text():
    assert format_interval({"value": 0.7124, "lower": 0.65, "upper": 0.771}) == (
        "0.712 (0.650 to 0.771)"
    )
    assert format_interval({"value": None, "lower": None, "upper": None}) == "n/a"
    assert format_interval({"value": 0.5, "lower": None, "upper": None}) == "0.500"
