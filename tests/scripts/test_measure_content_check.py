import json
from pathlib import Path

import numpy as np
import pytest

from bonescan.dicom.content import CERTAIN, LIKELY, Look
from bonescan.dicom.scan import View
from scripts import measure_content_check as script

PAGE = Path(__file__).parents[2] / "docs" / "results" / "content_check.md"
RNG = np.random.default_rng(0)
COUNTS = np.pad(RNG.poisson(9.0, (40, 12)), ((4, 4), (2, 2))).astype(float)
A, P = View.ANTERIOR, View.POSTERIOR


@pytest.mark.parametrize(
    ("look", "upside_down", "outcome"),
    [
        (Look(A, False, CERTAIN), False, "right, certain"),
        (Look(A, True, LIKELY), True, "right, likely"),
        (Look(A, True, CERTAIN), False, "wrong, certain"),
        (Look(P, False, LIKELY), False, "wrong, likely"),
        (Look(P, False, LIKELY - 0.01), False, "not sure"),
        (Look(), False, "not sure"),
    ],
)
def test_outcomes(look, upside_down, outcome):
    assert script.judge(look, A, upside_down=upside_down) == outcome


def test_pixels_split_and_summed_keep_their_counts_and_places():
    split, split_mm = script.split_pixels(COUNTS, 2.4, RNG)
    assert (split.shape, split_mm) == ((96, 32), 1.2)
    summed, summed_mm = script.sum_pixels(split, split_mm, RNG)
    assert summed_mm == 2.4
    np.testing.assert_array_equal(summed, COUNTS)


def test_parts_of_a_body_are_cut_by_its_own_length():
    kept, _ = script.keep_rows(0.0, 0.75)(COUNTS, 2.4, RNG)
    assert 0.7 < kept.sum() / COUNTS.sum() < 0.8
    assert kept[:30].sum() == COUNTS[:30].sum()
    arms, _ = script.cut_arms(COUNTS, 40.0, RNG)  # 180 mm are 4.5 columns
    assert np.flatnonzero(arms.sum(axis=0)).size in {8, 9, 10}


def test_pairs_are_counted_by_their_surer_view_and_by_the_sign_of_their_sides():
    pairs = script.describe_pairs(np.array([0.9, 0.5, 0.1, -0.7]), np.array([1, 0.95, 0.5, 1]))
    counted = {key: value for key, value in pairs.items() if key != "correlation"}
    assert counted == {
        "pairs": 4,
        "swapped_certain": 2, "swapped_likely": 3,
        "mirrored_certain": 1, "mirrored_likely": 2,
        "false_certain": 1, "false_likely": 1,
    }  # fmt: skip


def test_the_published_page_is_that_of_its_document():
    document = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))
    assert script.lay_out(document) == PAGE.read_text(encoding="utf-8")
    assert document["pairs"]["pairs"] == 200
    assert all(sum(row[key] for key in script.OUTCOMES) == 200 for row in document["views"])
