"""Implicit shapes: volumes, places and edges on a grid of oblong voxels."""

import numpy as np
import pytest

from bonescan.phantom.anatomy.plates import Plate, polygon_distance, strip
from bonescan.phantom.anatomy.shapes import (
    Ellipsoid,
    LocalFrame,
    Segment,
    Shape,
    Tube,
    VoxelGrid,
    rasterise,
    smooth_path,
    unit,
)

GRID = VoxelGrid((60, 40, 80), (2.0, 3.0, 2.5))
VOXEL_MM3 = 2.0 * 3.0 * 2.5
CENTRE = np.array([61.0, 58.0, 97.0])


def volume_mm3(*shapes: Shape) -> float:
    return float(rasterise(GRID, shapes).fraction.sum()) * VOXEL_MM3


def centre_mm(*shapes: Shape) -> np.ndarray:
    block = rasterise(GRID, shapes)
    weights = block.fraction.astype(float)
    places = np.indices(weights.shape).reshape(3, -1) @ weights.ravel() / weights.sum()
    return (np.array(block.start) + places + 0.5) * GRID.spacing_mm


def test_sphere_has_its_volume_and_centre() -> None:
    sphere = Ellipsoid(CENTRE, (22.0, 22.0, 22.0))
    assert volume_mm3(sphere) == pytest.approx(4 / 3 * np.pi * 22**3, rel=0.02)
    np.testing.assert_allclose(centre_mm(sphere), CENTRE, atol=0.1)


def test_turned_ellipsoid_keeps_volume_and_points_along_its_axis() -> None:
    long = unit([1.0, 0.6, -0.8])
    wide = unit(np.cross(long, [0.0, 0.0, 1.0]))
    shape = Ellipsoid(CENTRE, (40.0, 14.0, 11.0), np.array([long, wide, np.cross(long, wide)]))
    assert volume_mm3(shape) == pytest.approx(4 / 3 * np.pi * 40 * 14 * 11, rel=0.05)
    block = rasterise(GRID, [shape])
    places = (np.argwhere(block.fraction > 0.5) + block.start + 0.5) * GRID.spacing_mm - CENTRE
    first = np.linalg.svd(places, full_matrices=False)[2][0]
    assert abs(first @ long) > 0.99


def test_rounded_block_is_larger_than_the_ellipsoid_within_the_same_bounds() -> None:
    radii = (24.0, 18.0, 20.0)
    block, ellipsoid = Ellipsoid(CENTRE, radii, power=4), Ellipsoid(CENTRE, radii)
    assert 1.3 < volume_mm3(block) / volume_mm3(ellipsoid) < 1.8
    np.testing.assert_allclose(block.bounds(), ellipsoid.bounds())


def test_rod_is_a_cylinder_with_round_ends() -> None:
    start, end = CENTRE - (30, 0, 12), CENTRE + np.array((30, 0, 12))
    length = np.linalg.norm(end - start)
    expected = np.pi * 10**2 * length + 4 / 3 * np.pi * 10**3
    assert volume_mm3(Segment(start, end, 10.0, 10.0)) == pytest.approx(expected, rel=0.03)


def test_flat_rod_is_thin_along_its_flat_direction() -> None:
    path = np.array([CENTRE - (30, 0, 0), CENTRE + np.array((30, 0, 0))])
    block = rasterise(GRID, [Tube(path, 20.0, flat=(0.0, 1.0, 0.0), flatness=2.5)])
    middle = block.fraction[block.fraction.shape[0] // 2]
    assert (middle > 0.5).any(axis=1).sum() * 3.0 == pytest.approx(16, abs=3)
    assert (middle > 0.5).any(axis=0).sum() * 2.5 == pytest.approx(40, abs=3)


def test_plate_holds_area_times_thickness_and_bulges() -> None:
    outline = np.array([(-30.0, -40.0), (30.0, -40.0), (30.0, 40.0), (-30.0, 40.0)])
    axes = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]])
    flat = Plate(CENTRE, axes, outline, (0, 0, 0, 0, 0, 0), thickness_mm=12.0)
    assert volume_mm3(flat) == pytest.approx(60 * 80 * 12, rel=0.05)
    raised = Plate(CENTRE, axes, outline, (9.0, 0, 0, 0, 0, 0), thickness_mm=12.0)
    np.testing.assert_allclose(centre_mm(raised) - centre_mm(flat), [0, 9, 0], atol=0.1)


def test_strip_spans_its_line_and_breadth() -> None:
    start, end = CENTRE - (35, 0, 0), CENTRE + np.array((35, 0, 0))
    profile = ((0.0, 20.0), (0.5, 30.0), (1.0, 20.0))
    plate = strip(start, end, (0.0, 1.0, 0.0), profile, thickness_mm=12.0, bulge_mm=6.0)
    assert plate.point(35.0, 0.0)[1] == pytest.approx(CENTRE[1] + 6)
    assert plate.point(0.0, 0.0)[1] == pytest.approx(CENTRE[1])
    assert np.abs(plate.outline[:, 1]).max() == pytest.approx(30, abs=1)


def test_what_is_cut_out_is_gone_and_growing_adds_a_cover() -> None:
    outer, inner = Ellipsoid(CENTRE, (30.0,) * 3), Ellipsoid(CENTRE, (24.0,) * 3)
    shell = rasterise(GRID, [outer], without=[inner])
    assert float(shell.fraction.sum()) * VOXEL_MM3 == pytest.approx(
        volume_mm3(outer) - volume_mm3(inner), rel=0.02
    )
    grown = rasterise(GRID, [inner], grown_mm=6.0)
    assert float(grown.fraction.sum()) * VOXEL_MM3 == pytest.approx(volume_mm3(outer), rel=0.02)


def test_union_counts_what_overlaps_once() -> None:
    shape = Ellipsoid(CENTRE, (20.0, 15.0, 18.0))
    assert volume_mm3(shape, shape) == pytest.approx(volume_mm3(shape))


@pytest.mark.parametrize("shift", [(500, 0, 0), (0, -500, 0), (0, 0, 500), (-500, 500, -500)])
def test_what_lies_outside_leaves_one_empty_voxel(shift: tuple[int, int, int]) -> None:
    block = rasterise(GRID, [Ellipsoid(CENTRE + shift, (10.0, 10.0, 10.0))])
    assert block.fraction.sum() == 0
    assert min(block.fraction.shape) >= 1
    ends = np.array(block.start) + block.fraction.shape
    assert (np.array(block.start) >= 0).all()
    assert (ends <= GRID.shape).all()


def test_clipping_keeps_what_lies_inside() -> None:
    whole = Ellipsoid((61.0, 58.0, 0.0), (20.0, 20.0, 20.0))
    assert volume_mm3(whole) == pytest.approx(2 / 3 * np.pi * 20**3, rel=0.03)


def test_voxel_of_a_place() -> None:
    assert GRID.to_voxel((2.0 * 7.5, 3.0 * 4.5, 2.5 * 9.5)) == pytest.approx((7.0, 4.0, 9.0))


def test_polygon_distance_of_a_triangle() -> None:
    triangle = np.array([(0.0, 0.0), (6.0, 0.0), (0.0, 8.0)])
    u, v = np.array([[1.0, -3.0, 6.0]]), np.array([[1.0, -4.0, 8.0]])
    expected = [[-1.0, 5.0, 4.8]]  # the hypotenuse is 4 u + 3 v = 24
    for corners in (triangle, triangle[::-1]):
        np.testing.assert_allclose(polygon_distance(u, v, corners), expected, atol=1e-5)


def test_a_local_frame_scales_and_turns_what_is_described_in_it() -> None:
    down, back, left = np.eye(3)
    frame = LocalFrame(CENTRE, np.array([left, down, -back]), 2.0)
    centre = CENTRE + np.array((10, -6, 2))
    np.testing.assert_allclose(frame.point((1.0, 5.0, 3.0)), centre)
    points = frame.points((1.0, 0, 0), (0, 1.0, 0))
    np.testing.assert_allclose(points - CENTRE, [2 * left, 2 * down])
    low, high = frame.ellipsoid((1.0, 5.0, 3.0), (4.0, 2.0, 6.0)).bounds()
    np.testing.assert_allclose((low + high) / 2, centre)
    np.testing.assert_allclose((high - low) / 2, (4, 12, 8))
    rod = frame.tube([(0, 0, 0), (0, 5.0, 0)], (3.0, 1.0))
    np.testing.assert_allclose(rod.path[1] - rod.path[0], 10 * down)
    np.testing.assert_allclose(rod.radius, (6, 2))


def test_smooth_path_passes_through_its_points() -> None:
    points = np.array([(0.0, 0.0), (3.0, 5.0), (9.0, 4.0), (12.0, -2.0)])
    path = smooth_path(points, 13)
    np.testing.assert_allclose(path[::4], points, atol=1e-12)
    ring = smooth_path(points, 16, closed=True)
    np.testing.assert_allclose(ring[::4], points, atol=1e-12)


def test_a_wall_seen_edge_on_stays_sharper_than_one_seen_face_on() -> None:
    """Voxels are 6 mm deep and 2 mm broad: a slab's border fades over as much and no more."""
    grid = VoxelGrid((30, 20, 60), (2.0, 6.0, 2.0))
    centre = (30.0, 60.0, 60.0)
    upright = rasterise(grid, [Ellipsoid(centre, (40.0, 50.0, 21.0), power=4)])
    lying = rasterise(grid, [Ellipsoid(centre, (40.0, 21.0, 50.0), power=4)])
    across = upright.fraction[15, upright.fraction.shape[1] // 2]
    through = lying.fraction[15, :, lying.fraction.shape[2] // 2]
    assert np.count_nonzero((across > 0) & (across < 1)) <= 4
    assert across.sum() * 2.0 == pytest.approx(42.0, abs=0.4)
    assert through.sum() * 6.0 == pytest.approx(42.0, abs=0.4)
