import numpy as np
import pytest
from scipy import ndimage

from bonescan.data.annotation.labelme import Annotation
from bonescan.data.annotation.outline import outline_shapes, trace_edge
from bonescan.data.annotation.rasterise import rasterise
from bonescan.labels import EIGHT_NEIGHBOURS


def repaint(mask, tmp_path):
    shapes = tuple(outline_shapes(mask, "spot"))
    drawn = Annotation(tmp_path / "case.json", "", mask.shape, shapes)
    return rasterise(drawn, mask.shape, {"spot": 1}).astype(bool)


def random_masks(count):
    """Blobs, noise of all densities, and sponges full of holes."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        smooth = ndimage.gaussian_filter(rng.normal(size=(40, 31)), rng.uniform(0.5, 3))
        yield smooth > 0.05 * rng.random()
        yield rng.random((14, 19)) < rng.uniform(0.05, 0.95)
        yield ndimage.gaussian_filter(rng.normal(size=(23, 31)), 1) > -0.2


def test_polygons_give_back_every_mask_exactly(tmp_path):
    for mask in random_masks(40):
        np.testing.assert_array_equal(repaint(mask, tmp_path), mask)


@pytest.mark.parametrize(
    "mask",
    [
        [[1]],
        [[0, 0], [1, 1]],
        [[1, 0], [0, 1]],
        [[1, 1, 1, 1]],
        [[0, 1, 0], [1, 0, 1], [0, 1, 0]],
        [[1, 1, 1], [1, 0, 1], [1, 1, 1]],
        [[1, 0, 1], [1, 0, 1], [1, 1, 1]],
        [[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]],
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0]],
    ],
)
def test_small_masks_at_the_corner_of_the_image(tmp_path, mask):
    mask = np.array(mask, dtype=bool)
    np.testing.assert_array_equal(repaint(mask, tmp_path), mask)


def test_one_polygon_per_component_but_holes_cut_into_a_group(tmp_path):
    mask = np.zeros((12, 20), dtype=bool)
    mask[1:3, 1:4] = True
    mask[5:11, 6:14] = True
    mask[7, 8] = False
    shapes = outline_shapes(mask, "spot")
    assert [shape.number for shape in shapes] == list(range(1, len(shapes) + 1))
    assert [shape.group for shape in shapes] == [None, 2, 2]
    assert all(shape.kind == "polygon" and len(shape.points) >= 3 for shape in shapes)
    # A rectangle needs its four corners only, in the middle of its pixels.
    assert sorted(shapes[0].points.tolist()) == [[1.5, 1.5], [1.5, 2.5], [3.5, 1.5], [3.5, 2.5]]


def test_an_empty_mask_has_no_shapes():
    assert outline_shapes(np.zeros((3, 4), dtype=bool), "spot") == []
    with pytest.raises(ValueError, match="mask must hold a component to walk around"):
        trace_edge(np.zeros((3, 4), dtype=bool))


def test_a_walk_goes_step_by_step_over_pixels_of_the_mask():
    for mask in random_masks(5):
        components, count = ndimage.label(mask, EIGHT_NEIGHBOURS)
        for number in range(1, min(count, 5) + 1):
            component = components == number
            walk = trace_edge(component)
            assert component[tuple(walk.T)].all()
            if len(walk) > 1:
                assert (np.abs(np.roll(walk, -1, axis=0) - walk).max(axis=1) == 1).all()
