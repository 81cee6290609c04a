"""Kidneys, collecting systems, ureters and the bladder."""

from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.voxels import Body
from tests.phantom.anatomy.reference import (
    DEPTH_MM,
    PIXEL_MM,
    build,
    reference_body,
    reference_man,
)


def organ_ml(body: Body, name: str) -> float:
    return float(body.organs[name].fraction.sum(dtype=float)) * PIXEL_MM**2 * DEPTH_MM / 1000


@pytest.mark.parametrize("bladder_ml", [15.0, 110.0, 450.0])
@pytest.mark.parametrize("seed", [3, 4])
def test_the_bladder_holds_about_what_the_person_says(bladder_ml: float, seed: int) -> None:
    body = build(replace(reference_man(), bladder_ml=bladder_ml, shape_spread=1.0, shape_seed=seed))
    assert organ_ml(body, "bladder") == pytest.approx(bladder_ml, rel=0.25)


def test_no_two_bladders_have_the_same_outline_and_none_is_its_own_mirror_image() -> None:
    shares = []
    for seed in (3, 4, 5):
        body = build(replace(reference_man(), bladder_ml=200.0, shape_spread=1.0, shape_seed=seed))
        outline = body.organs["bladder"].fraction.sum(axis=1)
        shares.append(np.abs(outline - outline[:, ::-1]).sum() / outline.sum())
    assert min(shares) > 0.05
    assert len(set(shares)) == 3


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_collecting_system_lies_in_its_kidney_towards_the_spine(side: str) -> None:
    body = reference_body()
    kidney, pelvis = (body.organs[f"{name}_{side}"] for name in ("kidney", "renal_pelvis"))
    inside = np.minimum(kidney.within(pelvis), pelvis.fraction).sum() / pelvis.fraction.sum()
    assert 0.6 < inside < 0.99
    assert organ_ml(body, f"renal_pelvis_{side}") < 0.1 * organ_ml(body, f"kidney_{side}")
    spine = body.points["l1_centre"][2]
    middles = [block.start[2] + block.fraction.shape[2] / 2 for block in (pelvis, kidney)]
    assert abs(middles[0] - spine) < abs(middles[1] - spine)


def test_urine_fills_another_part_of_each_ureter() -> None:
    body = build(replace(reference_man(), shape_spread=1.0, shape_seed=6))
    rows = [
        body.organs[f"ureter_{side}"].fraction.shape[0] * PIXEL_MM for side in ["right", "left"]
    ]
    assert all(20 < length < 260 for length in rows)
    assert abs(rows[0] - rows[1]) > 5
