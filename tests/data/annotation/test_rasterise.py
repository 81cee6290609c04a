"""The pictures below are results of the package labelme 5.5.0 and 6.3.1, with Pillow 13.0."""

import numpy as np
import pytest

from bonescan.data.annotation.labelme import Annotation, LabelMeError, LabelMeShape
from bonescan.data.annotation.rasterise import Drawing, rasterise

SIZE = (12, 17)
QUAD = [[2.3, 1.6], [9.8, 2.2], [12.5, 8.5], [4.5, 10.49]]
QUAD_PIXELS = """
.................
..#..............
..########.......
..########.......
...########......
...########......
...#########.....
...#########.....
....#########....
....#####........
....#............
................."""
RECTANGLE_PIXELS = """
.................
..########.......
..########.......
..########.......
..########.......
..########.......
..########.......
..########.......
.................
.................
.................
................."""
PINNED = {
    "polygon": (QUAD, QUAD_PIXELS),
    "rectangle": ([[2.3, 1.6], [9.8, 7.5]], RECTANGLE_PIXELS),
    "rectangle from its lower left": ([[2.3, 7.5], [9.8, 1.6]], RECTANGLE_PIXELS),
    "rectangle from its lower right": ([[9.8, 7.5], [2.3, 1.6]], RECTANGLE_PIXELS),
    "circle": (
        [[8.2, 6.1], [10.9, 7.3]],
        """
.................
.................
.................
.......###.......
......#####......
.....#######.....
.....#######.....
.....#######.....
......#####......
.......###.......
.................
.................""",
    ),
    "line": (
        [[2.3, 1.6], [12.8, 8.5]],
        """
....#####........
...#######.......
..##########.....
.############....
.##############..
################.
.##############..
...############..
....##########...
......#######....
.......#####.....
.........###.....""",
    ),
    "linestrip": (
        [[2.3, 1.6], [12.8, 8.5], [3, 9]],
        """
....#####........
...#######.......
..##########.....
.############....
.##############..
################.
.##############..
...############..
...###########...
....##########...
....##########...
....##########...""",
    ),
    "point": (
        [[8.4, 5.6]],
        """
......#####......
.....#######.....
....#########....
...###########...
...###########...
...###########...
...###########...
...###########...
....#########....
.....#######.....
......#####......
.................""",
    ),
}


def pixels(picture):
    return np.array([[mark == "#" for mark in line] for line in picture.split()])


def make_shape(kind, points, label="spot", *, mask=None, number=1):
    return LabelMeShape(number, label, kind, np.array(points, dtype=float), mask)


def annotate(tmp_path, *shapes, size=SIZE):
    return Annotation(tmp_path / "case_anterior.json", "case_anterior.png", size, shapes)


@pytest.mark.parametrize("name", PINNED)
def test_pixels_are_those_of_the_labelme_package(tmp_path, name):
    points, picture = PINNED[name]
    drawn = annotate(tmp_path, make_shape(name.split()[0], points))
    np.testing.assert_array_equal(rasterise(drawn, SIZE, {"spot": 1}), pixels(picture))


def test_an_oriented_rectangle_is_a_polygon(tmp_path):
    label = rasterise(annotate(tmp_path, make_shape("oriented_rectangle", QUAD)), SIZE, {"spot": 1})
    np.testing.assert_array_equal(label, pixels(QUAD_PIXELS))


def test_later_shapes_cover_earlier_ones_and_masks_lie_at_their_first_point(tmp_path):
    square = make_shape("polygon", [[2, 2], [8, 2], [8, 8], [2, 8]], "a")
    other = make_shape("polygon", [[5, 5], [12, 5], [12, 10], [5, 10]], "b")
    stamp = np.array([[0, 1, 0], [0, 0, 1]], dtype=bool)
    mask = make_shape("mask", [[3.7, 4.6], [5.7, 5.6]], "b", mask=stamp)
    label = rasterise(annotate(tmp_path, square, other, mask), SIZE, {"a": 1, "b": 2})
    wanted = [
        "00000000000000000",
        "00000000000000000",
        "00111111100000000",
        "00111111100000000",
        "00112111100000000",
        "00111222222220000",
        "00111222222220000",
        "00111222222220000",
        "00111222222220000",
        "00000222222220000",
        "00000222222220000",
        "00000000000000000",
    ]
    assert ["".join(map(str, row)) for row in label] == wanted
    assert label.dtype == np.uint8


def test_turned_images_are_turned_back(tmp_path):
    drawn = annotate(tmp_path, make_shape("polygon", QUAD))
    straight = rasterise(drawn, SIZE, {"spot": 1})
    turned = rasterise(drawn, SIZE, {"spot": 1}, Drawing(upside_down=True))
    np.testing.assert_array_equal(turned, straight[::-1])
    mirrored = rasterise(drawn, SIZE, {"spot": 1}, Drawing(mirrored=True))
    np.testing.assert_array_equal(mirrored, straight[:, ::-1])


@pytest.mark.parametrize("kind", ["polygon", "rectangle", "circle"])
def test_points_on_a_resized_image_are_scaled(tmp_path, kind):
    points = PINNED[kind][0]
    straight = rasterise(annotate(tmp_path, make_shape(kind, points)), SIZE, {"spot": 1})
    larger = make_shape(kind, np.array(points) * 2.5)
    drawn = annotate(tmp_path, larger, size=(30, 42))  # 17 columns would be 42.5
    scaled = rasterise(drawn, SIZE, {"spot": 1}, Drawing(resized=True))
    assert np.count_nonzero(scaled != straight) <= 5


def test_a_circle_on_an_image_stretched_along_the_rows_becomes_round_again(tmp_path):
    circle = make_shape("circle", [[8.5, 18], [8.5, 24]])
    drawn = annotate(tmp_path, circle, size=(36, 17))
    label = rasterise(drawn, SIZE, {"spot": 1}, Drawing(resized=True))
    rows, columns = np.nonzero(label)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 8, 2, 14)


def test_a_mask_on_a_resized_image_takes_the_nearest_pixels(tmp_path):
    stamp = np.ones((6, 4), dtype=bool)
    stamp[:2] = False
    mask = make_shape("mask", [[10, 4], [13, 9]], mask=stamp)
    drawn = annotate(tmp_path, mask, size=(24, 34))
    label = rasterise(drawn, SIZE, {"spot": 1}, Drawing(resized=True))
    wanted = np.zeros(SIZE)
    wanted[3:5, 5:7] = 1
    np.testing.assert_array_equal(label, wanted)


def test_names_mapped_to_nothing_are_left_out_and_zero_erases(tmp_path):
    box = make_shape("rectangle", [[2, 2], [9, 9]])
    hole = make_shape("rectangle", [[4, 4], [5, 5]], "hole")
    drawn = annotate(tmp_path, box, hole)
    values = {"spot": 2, "hole": None}
    assert np.count_nonzero(rasterise(drawn, SIZE, values)) == 64
    assert np.count_nonzero(rasterise(drawn, SIZE, {**values, "hole": 0})) == 60


def test_an_image_of_another_size_is_refused(tmp_path):
    drawn = annotate(tmp_path, size=(12, 18))
    with pytest.raises(
        LabelMeError,
        match=r"^case_anterior.json: must be drawn on .* 12 rows and 17 columns, "
        r"got 12 and 18; it belongs to another scan",
    ):
        rasterise(drawn, SIZE, {})


def test_an_unknown_name_is_refused(tmp_path):
    drawn = annotate(tmp_path, make_shape("polygon", QUAD, "Lesoin", number=3))
    with pytest.raises(
        LabelMeError,
        match=r"^case_anterior.json: shape 3 \(polygon 'Lesoin'\): label must be one "
        "of lesion, urine; correct it",
    ):
        rasterise(drawn, SIZE, {"urine": 2, "lesion": 1})


@pytest.mark.parametrize("point", [[-0.1, 3], [17.1, 3], [4, -2], [4, 12.5]])
def test_a_polygon_off_the_image_is_refused(tmp_path, point):
    drawn = annotate(tmp_path, make_shape("polygon", [*QUAD, point]))
    with pytest.raises(
        LabelMeError,
        match=r"^case_anterior.json: shape 1 \(polygon 'spot'\): points must lie "
        r"within x 0..17 and y 0..12, got \(",
    ):
        rasterise(drawn, SIZE, {"spot": 1})


def test_points_on_the_very_edge_are_on_the_image(tmp_path):
    drawn = annotate(tmp_path, make_shape("polygon", [[0, 0], [17, 0], [17, 12], [0, 12]]))
    assert rasterise(drawn, SIZE, {"spot": 1}).all()


def test_a_mask_off_the_image_is_refused(tmp_path):
    mask = make_shape("mask", [[15, 3], [17, 3]], mask=np.ones((1, 3), dtype=bool))
    with pytest.raises(LabelMeError, match=r"shape 1 \(mask 'spot'\): points must lie within"):
        rasterise(annotate(tmp_path, mask), SIZE, {"spot": 1})
