"""Cortex and marrow of the long bones."""

import numpy as np
import pytest

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.shapes import MARROW_DENSITY
from tests.phantom.anatomy.reference import reference_body

HOLLOW = [f"{name}_{side}" for name in ("femur", "tibia", "humerus") for side in SIDES]


def test_long_bones_alone_hold_marrow() -> None:
    hollow = {name for name, bone in reference_body().bones.items() if bone.density.min() < 1}
    assert hollow == set(HOLLOW)


@pytest.mark.parametrize("name", HOLLOW)
def test_marrow_fills_the_shaft_and_no_more(name: str) -> None:
    bone = reference_body().bones[name]
    assert bone.density.shape == bone.block.fraction.shape
    assert bone.density.min() == pytest.approx(MARROW_DENSITY, abs=1e-5)
    assert bone.density.max() == 1
    marrow = float((bone.block.fraction * (bone.density < 0.5)).sum())
    assert 0.03 < marrow / float(bone.block.fraction.sum()) < 0.3


@pytest.mark.parametrize("name", HOLLOW)
def test_shafts_show_two_lines_of_cortex(name: str) -> None:
    """Both walls hold more tracer along the camera's axis than the middle between them."""
    bone = reference_body().bones[name]
    held = (bone.block.fraction * bone.density).sum(axis=1)
    for row in held[int(0.4 * len(held)) : int(0.5 * len(held))]:
        columns = np.flatnonzero(row > 0.3 * row.max())
        middle = int(columns.mean())
        walls = row[columns[0] : middle].max(), row[middle + 1 : columns[-1] + 1].max()
        assert min(walls) > 1.1 * row[middle]
