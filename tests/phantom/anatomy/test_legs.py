"""Cortex, marrow and spongy ends of the long bones."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, signal

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.bone_shape import MARROW_DENSITY, SPONGY_DENSITY
from bonescan.phantom.anatomy.voxels import Bone
from tests.phantom.anatomy.reference import COLUMNS, PIXEL_MM, reference_body

HOLLOW = [f"{name}_{side}" for name in ("femur", "tibia", "humerus") for side in SIDES]
SPONGY = ("patella", "fibula", "foot", "hip_bone", "scapula")
SHANK_FWHM_MM = 6.0
"""Of a camera with a low-energy high-resolution collimator at 6 cm."""


def held(bone: Bone) -> NDArray[np.float32]:
    """Return the tracer along the camera's axis, over that in a voxel of cortex."""
    return (bone.block.fraction * bone.density).sum(axis=1)


def test_only_some_bones_differ_inside() -> None:
    uneven = {name for name, bone in reference_body().bones.items() if bone.density.min() < 1}
    paired = {f"{name}_{side}" for name in SPONGY for side in SIDES}
    assert uneven == {*HOLLOW, *paired, "skull_base", "face", "mandible", "manubrium"}


def test_the_tarsus_does_not_outshine_the_toes_by_its_thickness_alone() -> None:
    bone = reference_body().bones["foot_right"]
    thick, tracer = bone.block.fraction.sum(axis=1), held(bone)
    toes, tarsus = slice(-round(30 / PIXEL_MM), None), slice(None, round(40 / PIXEL_MM))
    contrast = [image[tarsus].max() / np.quantile(image[toes], 0.99) for image in (thick, tracer)]
    assert contrast[1] < 0.7 * contrast[0]


@pytest.mark.parametrize("name", HOLLOW)
def test_marrow_fills_the_shaft_and_no_more(name: str) -> None:
    bone = reference_body().bones[name]
    assert bone.density.shape == bone.block.fraction.shape
    assert bone.density.min() == pytest.approx(MARROW_DENSITY, abs=1e-5)
    assert bone.density.max() == 1
    marrow = float((bone.block.fraction * (bone.density < 0.5 * SPONGY_DENSITY)).sum())
    assert 0.03 < marrow / float(bone.block.fraction.sum()) < 0.3


@pytest.mark.parametrize("name", HOLLOW)
def test_shafts_show_two_lines_of_cortex(name: str) -> None:
    """Both walls hold more tracer along the camera's axis than the middle between them."""
    tracer = held(reference_body().bones[name])
    for row in tracer[int(0.4 * len(tracer)) : int(0.5 * len(tracer))]:
        columns = np.flatnonzero(row > 0.3 * row.max())
        middle = int(columns.mean())
        walls = row[columns[0] : middle].max(), row[middle + 1 : columns[-1] + 1].max()
        assert min(walls) > 1.1 * row[middle]


@pytest.mark.parametrize("side", SIDES)
def test_the_camera_still_tells_both_lines_of_the_tibia_and_the_fibula_apart(side: str) -> None:
    """Over a third of the shank above its middle, as sharp as a camera sees it."""
    image = np.zeros((reference_body().shape[0], COLUMNS))
    for name in (f"tibia_{side}", f"fibula_{side}"):
        rows, _, columns = reference_body().bones[name].block.slices
        image[rows, columns] += held(reference_body().bones[name])
    seen = ndimage.gaussian_filter(image, SHANK_FWHM_MM / 2.3548 / PIXEL_MM)
    length = rows.stop - rows.start
    for row in seen[rows.start + int(0.25 * length) : rows.start + int(0.6 * length)]:
        lines = signal.find_peaks(row, prominence=0.05 * row.max())[0]
        assert len(lines) == 3
        fibula, *tibia = lines if side == "right" else lines[::-1]
        assert 12 < abs(tibia[0] - tibia[1]) * PIXEL_MM < 28
        assert 22 < abs(np.mean(tibia) - fibula) * PIXEL_MM < 45


@pytest.mark.parametrize(("name", "end"), [("femur", -20), ("tibia", 20), ("humerus", 17)])
def test_ends_are_spongy_below_a_thin_cortex(name: str, end: int) -> None:
    """They are far thicker than the shaft, but hold little more tracer."""
    bone = reference_body().bones[f"{name}_left"]
    row = round(end / PIXEL_MM) % len(bone.block.fraction)
    shaft = len(bone.block.fraction) // 2
    thick, tracer = bone.block.fraction.sum(axis=1), held(bone)
    assert thick[row].max() > 1.5 * thick[shaft].max()
    assert tracer[row].max() < 1.6 * tracer[shaft].max()
    share, density = bone.block.fraction[row], bone.density[row]
    assert np.median(density[share > 0.99]) == pytest.approx(SPONGY_DENSITY, abs=0.03)
    assert density[(share > 0.3) & (share < 0.7)].mean() > 1.7 * SPONGY_DENSITY


@pytest.mark.parametrize("side", SIDES)
def test_condyles_stand_apart_over_the_notch(side: str) -> None:
    femur = reference_body().bones[f"femur_{side}"]
    tracer = held(femur)[-round(14 / PIXEL_MM)]
    columns = np.flatnonzero(tracer > 0.2 * tracer.max())
    assert 70 < np.ptp(columns) * PIXEL_MM < 90
    outer, middle, inner = np.array_split(tracer[columns[0] : columns[-1] + 1], 3)
    centre = middle[len(middle) // 2 - 1 : len(middle) // 2 + 2].mean()
    assert centre < 0.7 * min(outer.max(), inner.max())
