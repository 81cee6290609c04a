"""Metrics of an image of another kind than its confusion."""

import math

import numpy as np

from bonescan.metrics import image


def test_each_metric_gets_masks_and_spacing_in_their_order(monkeypatch):
    def rows_apart_mm(pred_mask, truth_mask, spacing_mm):
        rows = [np.flatnonzero(mask.any(axis=1))[0] for mask in (pred_mask, truth_mask)]
        return (rows[0] - rows[1]) * spacing_mm[0]

    table = {"rows_apart_mm": rows_apart_mm, "undefined": lambda *_: math.nan}
    monkeypatch.setattr(image, "IMAGE_METRICS", table)
    pred_mask, truth_mask = np.zeros((2, 5, 4), dtype=bool)
    pred_mask[4, 1] = truth_mask[1, 3] = True
    values = image.measure_image(pred_mask, truth_mask, (0.5, 0.3))
    assert values["rows_apart_mm"] == 1.5
    assert math.isnan(values["undefined"])
