"""Skin, lungs, kidneys, bladder and the other organs."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from bundle.labels import SIDES
from bundle.phantom.body import Box
from bundle.phantom.posture import (
    SPINE_DEPTH_MM,
    TRUNK_F,
    TRUNK_M,
    Posture,
    Vector,
    side_sign,
)
from bundle.phantom.shapes import Ellipsoid, Grid, Shape, Tube, rasterise


def _trunk_table(posture: Posture, rows_mm: Vector) -> tuple[Vector, Vector, Vector]:
    table = np.array(TRUNK_F if posture.person.sex == "F" else TRUNK_M)
    level = table[:, 0]
    scale = posture.height_scale
    breadth = np.interp(rows_mm, level, table[:, 1]) * scale
    breadth = breadth * posture.girth ** np.interp(rows_mm, level, table[:, 4])
    deep = posture.girth ** np.interp(rows_mm, level, table[:, 5]) * scale
    back = SPINE_DEPTH_MM + (np.interp(rows_mm, level, table[:, 3]) - SPINE_DEPTH_MM) * scale
    back = np.minimum(SPINE_DEPTH_MM + (back - SPINE_DEPTH_MM) * posture.girth**0.3, posture.bed_mm)
    front = SPINE_DEPTH_MM + (np.interp(rows_mm, level, table[:, 2]) - SPINE_DEPTH_MM) * deep
    return breadth, front, back


def trunk_outline(posture: Posture, grid: Grid) -> Box:
    """Return the trunk from the neck to the crotch: a superellipse in each row."""
    reference = np.arange(236.0, 940.0, 2.0)
    body_rows = posture.row(reference)
    places = posture.place(np.stack([reference, 0 * reference + SPINE_DEPTH_MM, 0 * reference], 1))
    first, last = (int(r / grid.spacing_mm[0]) for r in places[[0, -1], 0])
    first, last = max(first, 0), min(last, grid.shape[0])
    rows = (np.arange(first, last) + 0.5) * grid.spacing_mm[0]
    level = np.interp(rows, places[:, 0], reference)
    middle = np.interp(rows, places[:, 0], places[:, 2])
    shift = posture.front_mm
    breadth, front, back = _trunk_table(posture, level)
    columns = (np.arange(grid.shape[2]) + 0.5) * grid.spacing_mm[2]
    aside = np.abs(columns[None] - middle[:, None]) / breadth[:, None]
    chord = np.clip(1 - aside**2.6, 0, None) ** (1 / 2.6)
    centre = ((front * 0.45 + back * 0.55) + shift)[:, None]
    near = centre - (centre - front[:, None] - shift) * chord
    far = centre + (back[:, None] + shift - centre) * chord
    del body_rows
    return Box((first, 0, 0), _fill(near, far, grid))


def _fill(near_mm: Vector, far_mm: Vector, grid: Grid) -> NDArray[np.float32]:
    """Return how much of each voxel lies between two depths (rows, columns)."""
    size = grid.spacing_mm[1]
    front = (np.arange(grid.shape[1]) * size).astype(np.float32)[None, :, None]
    near, far = near_mm.astype(np.float32)[:, None], far_mm.astype(np.float32)[:, None]
    overlap = np.minimum(far, front + np.float32(size)) - np.maximum(near, front)
    return np.clip(overlap / np.float32(size), 0, 1)


def limb_shapes(posture: Posture) -> Iterator[Shape]:
    """Yield the flesh of neck, head, arms and legs."""
    head = posture.head_scale
    frame = posture.head_turn.as_matrix().T
    yield Ellipsoid(posture.place_head((100.0, 120.0, 0.0)), np.array([96, 101, 79]) * head, frame)
    yield Ellipsoid(posture.place_head((150.0, 90.0, 0.0)), np.array([82, 75, 62]) * head, frame)
    neck = np.vstack([posture.place_head((170.0, 145.0, 0.0)), posture.place((275.0, 175.0, 0.0))])
    yield Tube(neck, np.array([62, 68]) * head * posture.girth**0.3)
    scale, thick = posture.height_scale, posture.girth**0.45
    for side in SIDES:
        arm, leg = posture.arms[side], posture.legs[side]
        share = np.array([0, 0.25, 0.6, 1.0])[:, None]
        yield Tube(
            arm.shoulder + share * (arm.elbow - arm.shoulder),
            np.array([52, 50, 46, 40]) * scale * thick,
        )
        share = np.array([0, 0.25, 0.6, 0.95])[:, None]
        yield Tube(
            arm.elbow + share * (arm.wrist - arm.elbow), np.array([40, 43, 36, 27]) * scale * thick
        )
        share = np.array([0.1, 0.25, 0.6, 0.9, 1.0])[:, None]
        yield Tube(
            leg.hip + share * (leg.knee - leg.hip), np.array([80, 84, 74, 60, 57]) * scale * thick
        )
        share = np.array([0, 0.12, 0.35, 0.7, 0.95])[:, None]
        yield Tube(
            leg.knee + share * (leg.ankle - leg.knee),
            np.array([57, 56, 58, 42, 35]) * scale * thick,
        )


def organ_shapes(posture: Posture) -> Mapping[str, tuple[Shape, ...]]:
    """Return the organs' shapes by name."""
    chest, scale = posture.chest_scale, posture.height_scale

    def blob(centre: tuple[float, float, float], *radii: float, size: float = scale) -> Ellipsoid:
        return Ellipsoid(posture.place(centre), np.array(radii) * size)

    organs: dict[str, tuple[Shape, ...]] = {
        "liver": (
            blob((545.0, 150.0, -68.0), 68, 75, 62, size=chest),
            blob((528.0, 115.0, -5.0), 38, 50, 65, size=chest),
        ),
        "spleen": (blob((548.0, 205.0, 100.0), 52, 34, 20, size=chest),),
        "heart": (blob((450.0, 115.0, 25.0), 60, 45, 50, size=chest),),
        "stomach": (blob((560.0, 130.0, 60.0), 55, 45, 35),),
        "bladder": (blob((838.0, 130.0, 0.0), 28, 32, 36),),
    }
    for side in SIDES:
        sign = side_sign(side)
        right = side == "right"
        organs[f"lung_{side}"] = (
            Ellipsoid(
                posture.place((430.0 + 0 * sign, 165.0, 68 * sign)),
                np.array([135.0, 82.0, 54.0]) * chest,
            ),
        )
        organs[f"kidney_{side}"] = (blob((618.0 + 10 * right, 215.0, 62 * sign), 55, 25, 28),)
        organs[f"thyroid_{side}"] = (blob((262.0, 128.0, 17 * sign), 22, 9, 9),)
        if posture.person.sex == "F":
            organs[f"breast_{side}"] = (blob((440.0, 60.0, 85 * sign), 55, 30, 55),)
    return organs


def organ_boxes(posture: Posture, grid: Grid) -> dict[str, Box]:
    """Return the organs as shares of voxels."""
    return {name: rasterise(grid, shapes) for name, shapes in organ_shapes(posture).items()}
