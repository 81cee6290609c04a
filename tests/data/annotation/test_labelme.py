import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from bonescan.data.annotation.labelme import (
    Annotation,
    LabelMeError,
    LabelMeShape,
    is_labelme,
    read_labelme,
    write_labelme,
)
from bonescan.data.annotation.rasterise import rasterise
from bonescan.dicom.scan import View
from tests.damage import damage_json

TRIANGLE = {"label": "lesion", "points": [[1, 2], [5, 2.5], [3, 7]], "group_id": None,
            "shape_type": "polygon", "flags": {}}  # fmt: skip


def encode(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def make_content(*shapes, **changes):
    """Return what LabelMe 4 writes."""
    return {
        "version": "4.5.6",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "case.png",
        "imageData": None,
        "imageHeight": 9,
        "imageWidth": 13,
        **changes,
    }


def save(tmp_path, content):
    path = tmp_path / "case_anterior.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_versions_4_and_5_give_the_same(tmp_path):
    four = read_labelme(save(tmp_path, make_content(TRIANGLE)))
    newer = {**TRIANGLE, "description": "", "mask": None}
    five = read_labelme(save(tmp_path, make_content(newer, version="5.5.0")))
    for read in (four, five):
        assert (read.size, read.image_path) == ((9, 13), "case.png")
        assert (read.scan_id, read.view) == (None, None)
        (shape,) = read.shapes
        assert (shape.number, shape.label, shape.kind) == (1, "lesion", "polygon")
        np.testing.assert_array_equal(shape.points, TRIANGLE["points"])


def test_the_embedded_image_tells_the_size(tmp_path):
    image = encode(np.zeros((9, 13), np.uint8))
    for said in ({"imageHeight": None, "imageWidth": None}, {}):
        content = make_content(TRIANGLE, imageData=image, **said)
        assert read_labelme(save(tmp_path, content)).size == (9, 13)


def test_a_mask_shape_is_decoded(tmp_path):
    stamp = np.array([[0, 1, 1], [1, 0, 0]], dtype=bool)
    shape = {**TRIANGLE, "shape_type": "mask", "points": [[4, 5], [6, 6]], "mask": encode(stamp)}
    (read,) = read_labelme(save(tmp_path, make_content(shape))).shapes
    np.testing.assert_array_equal(read.mask, stamp)
    shape["points"] = [[4, 5], [7, 6]]
    with pytest.raises(LabelMeError, match=r"shape 1 \(mask 'lesion'\): mask must have the 2 rows "
                       r"and 4 columns between its points, got .*\(2, 3\)"):  # fmt: skip
        read_labelme(save(tmp_path, make_content(shape)))


def test_the_image_path_of_windows_is_read(tmp_path):
    content = make_content(imagePath="..\\scans\\case.png")
    assert read_labelme(save(tmp_path, content)).image_path == "../scans/case.png"


def test_write_then_read_gives_the_same(tmp_path):
    points = np.array([[1.5, 2.5], [4.5, 2.5], [4.5, 6.5]])
    shape = LabelMeShape(1, "metastasis", "polygon", points, group=3)
    written = Annotation(
        tmp_path / "a.json", "a.png", (9, 13), (shape,), "0123456789abcdef", View.POSTERIOR
    )
    write_labelme(written)
    read = read_labelme(written.path)
    assert (read.size, read.image_path, read.scan_id, read.view) == (
        (9, 13), "a.png", "0123456789abcdef", View.POSTERIOR,
    )  # fmt: skip
    assert str(read.shapes[0]) == "shape 1 (polygon 'metastasis')"
    assert read.shapes[0].group == 3
    np.testing.assert_array_equal(read.shapes[0].points, points)


def test_other_json_files_are_told_apart(tmp_path):
    assert is_labelme(save(tmp_path, make_content()))
    assert is_labelme(save(tmp_path, "{broken"))  # to be reported, not passed over
    assert not is_labelme(save(tmp_path, {"training": []}))
    assert not is_labelme(save(tmp_path, []))


def changed(**changes):
    return make_content({**TRIANGLE, **changes})


BROKEN = {
    "case_anterior.json: must be a JSON file in UTF-8, got JSONDecodeError": "{broken",
    "case_anterior.json: must be a JSON file in UTF-8, got RecursionError": "[" * 100_000,
    "case_anterior.json: must hold a list of 'shapes'": {"shapes": {}},
    "case_anterior.json: view must be one of anterior, posterior, got 'left'": make_content(
        view="left"
    ),
    r"view must be one of anterior, posterior, got \['anterior'\]": make_content(view=["anterior"]),
    r"shape 1 \(\['circle'\] 'lesion'\): kind must be one of polygon, ": changed(
        shape_type=["circle"]
    ),
    "imageHeight and imageWidth must be positive whole numbers .* got None and 13": make_content(
        imageHeight=None
    ),
    "imageData must be an image file in base64": make_content(imageData="@@"),
    "must be those of the embedded image, 9 and 12, got 9 and 13": make_content(
        imageData=encode(np.zeros((9, 12), np.uint8))
    ),
    "shape 1: must have a 'label' that is text": changed(label=None),
    r"shape 1 \(spline 'lesion'\): kind must be one of polygon, ": changed(shape_type="spline"),
    r"shape 1 \(polygon 'lesion'\): must have 3 or more points, got 2": changed(
        points=[[1, 2], [3, 4]]
    ),
    r"shape 1 \(circle 'lesion'\): must have 2 points, got 3": changed(shape_type="circle"),
    "points must be pairs of finite numbers": changed(points=[[1, 2], [3, 4], [5, float("nan")]]),
    "finite numbers up to 1,000,000 pixels": changed(points=[[1, 2], [3, 4], [10**400, 6]]),
    r"shape 1 \(polygon 'lesion'\): points must be pairs": changed(points=[1, 2, 3, 4, 5, 6]),
    "shape 1 .*: mask must be an image file in base64": changed(
        shape_type="mask", points=[[1, 1], [2, 2]]
    ),
}


@pytest.mark.parametrize("message", BROKEN)
def test_broken_files_are_refused(tmp_path, message):
    with pytest.raises(LabelMeError, match=message):
        read_labelme(save(tmp_path, BROKEN[message]))


def test_the_second_shape_is_named(tmp_path):
    content = make_content(TRIANGLE, {**TRIANGLE, "points": []})
    with pytest.raises(LabelMeError, match=re.escape("shape 2 (polygon 'lesion'): points")):
        read_labelme(save(tmp_path, content))


@pytest.mark.parametrize("files", [80, pytest.param(1500, marks=pytest.mark.slow)])
def test_damaged_files_are_read_or_refused(tmp_path, files):
    mask = {**TRIANGLE, "points": [[2, 1], [3, 4]], "shape_type": "mask"}
    mask["mask"] = encode(np.ones((4, 2), np.uint8))
    circle = {**TRIANGLE, "points": [[4, 4], [4, 6]], "shape_type": "circle"}
    text = json.dumps(make_content(TRIANGLE, mask, circle))
    path, refused = tmp_path / "a.json", 0
    path.write_text(text)
    size = read_labelme(path).size
    for seed in range(files):
        path.write_text(damage_json(text, np.random.default_rng(seed)), encoding="utf-8")
        try:
            rasterise(read_labelme(path), size, {"lesion": 1})
        except LabelMeError as err:
            assert str(err).startswith("a.json")  # noqa: PT017 - many files, one test
            refused += 1
        is_labelme(path)
    assert files / 2 < refused < files
