"""The figures of a page come from its images alone."""

import numpy as np
import pytest

from bonescan.studies.experiments.figures import compare_pairs, find_deviations, measure
from bonescan.studies.experiments.row_images import RowImages
from bonescan.studies.experiments.statistics import holm

DOCUMENT = {"metrics": ["dsc"], "convention": "pooled", "data": {"test_to_training": None}}


def make(false_positives: int, seeds: int = 3) -> RowImages:
    places = [(seed, patient) for seed in range(seeds) for patient in "abcd"]
    return RowImages(
        confusion=np.array([[9 + s, false_positives, ord(p) % 5, 50] for s, p in places]),
        patients=[patient for _, patient in places],
        keys=[(patient, "anterior") for _, patient in places],
        runs=[f"seed{seed}" for seed, _ in places],
    )


def test_tables_are_found_again_and_deviations_named():
    images = {"one": make(2), "two": make(5)}
    pairs = [(images["two"], images["one"])]
    document = {
        **DOCUMENT,
        "rows": [
            {"id": name, "name": name.title(), "measured": measure(images[name], DOCUMENT)}
            for name in images
        ],
        "comparisons": [
            {
                "row": "Two", "row_id": "two", "reference": "One", "reference_id": "one",
                "tested": compare_pairs(pairs, DOCUMENT)[0],
            }
        ],
    }  # fmt: skip
    assert list(find_deviations(document, images)) == []
    assert list(find_deviations(document, {**images, "two": make(6)})) == [
        "metrics of Two",
        "comparison of Two with One",
    ]


def test_p_values_are_corrected_for_all_that_were_tested():
    pairs = [
        (make(2), make(5)),
        (make(2), make(2)),
        (make(2, seeds=2), make(5, seeds=2)),
        (make(3), make(2)),
    ]
    first, equal, few, last = compare_pairs(pairs, DOCUMENT)
    assert few is None
    assert (equal["p"], equal["p_holm"]) == (None, None)
    assert [first["p_holm"], last["p_holm"]] == [
        pytest.approx(p) for p in holm([first["p"], last["p"]])
    ]
