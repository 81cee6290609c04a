"""Figures of an evaluation."""

import json

import pytest

from bonescan.zoo.figures import Figure, count_cases, find_figures, read_evaluation

PART = {"value": 0.25, "lower": 0.125, "upper": 0.5}


def test_figures_of_pixels_and_lesions():
    pooled = {"dsc": PART, "precision": {**PART, "value": None}, "recall": PART}
    summary = {"pooled": pooled, "detection": {"sensitivity": {**PART, "value": 0.75}}}
    found = find_figures(summary)
    assert found[0] == Figure("dsc_pooled", "DSC, pooled", 0.25, 0.125, 0.5)
    assert [(figure.key, figure.value) for figure in found[1:]] == [
        ("precision_pooled", None), ("recall_pooled", 0.25), ("lesion_sensitivity", 0.75),
    ]  # fmt: skip


def test_figures_of_decisions_and_of_bones():
    auc = {"value": 0.75, "low": 0.5, "high": 1.0}
    assert find_figures({"bits": {"spine": {"auc": auc, "accuracy": PART}}}) == [
        Figure("auc_spine", "AUC, spine", 0.75, 0.5, 1.0)
    ]
    dice = {"femur_left": {"value": 0.5, "interval": [0.25, 0.75]}}
    dice["all bones"] = {"value": 0.25, "interval": None}
    assert find_figures({"dice": dice}) == [
        Figure("dsc_femur_left", "DSC, femur left", 0.5, 0.25, 0.75),
        Figure("dsc_all_bones", "DSC, all bones", 0.25, None, None),
    ]
    assert find_figures(None) == []


def test_cases_are_counted_as_they_were_evaluated():
    pixels = {"images": 24, "lesions": 58, "patients": 12, "units": 12}
    assert count_cases(pixels) == "24 images, 58 lesions of 12 patients"
    assert (
        count_cases({"scans": 7, "cases": 28, "patients": 5}) == "7 scans, 28 cases of 5 patients"
    )


def test_an_evaluation_is_found_by_the_name_of_its_system(tmp_path):
    assert read_evaluation(tmp_path, "U-Net") is None
    (tmp_path / "evaluation").mkdir()
    summary = tmp_path / "evaluation" / "summary.json"
    summary.write_text(json.dumps({"Threshold": {"n": 1}, "bladder": {"U-Net": {"n": 2}}}))
    assert read_evaluation(tmp_path, "U-Net") == {"n": 2}
    with pytest.raises(ValueError, match="must be of V-Net, got none of it"):
        read_evaluation(tmp_path, "V-Net")
