import json
from dataclasses import replace

import numpy as np
import pytest
from skimage.draw import polygon2mask

from bonescan.dicom.scan import View
from bonescan.labels import Label
from bonescan.phantom.files.annotators import (
    ANNOTATORS,
    SimulatedAnnotator,
    annotate,
    find_visible_spots,
    redraw,
)
from tests.phantom.fakes import BENIGN, BLADDER, LESIONS, SHAPE, disk, fake_view

VIEW = fake_view(View.ANTERIOR)
STEADY = SimulatedAnnotator("steady", bias_mm=0, jitter_mm=0, shift_mm=0, miss_rate=0, added_rate=0)
PIXEL_MM = 2.3


def draw(annotator, seed=0, view=VIEW):
    return annotate(
        view,
        find_visible_spots(view),
        annotator=annotator,
        pixel_mm=PIXEL_MM,
        rng=np.random.default_rng(seed),
        image_path="../scan.dcm",
    )


def masks(content, label="metastasis"):
    return [
        polygon2mask(SHAPE, np.array(shape["points"])[:, ::-1])
        for shape in content["shapes"]
        if shape["label"] == label
    ]


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_hot_spots_are_the_pieces_of_the_truth():
    spots = find_visible_spots(VIEW)
    assert [spot.label for spot in spots] == [Label.METASTASIS, Label.METASTASIS, Label.BLADDER]
    for spot, (row, column, radius) in zip(spots, (*LESIONS, BLADDER), strict=True):
        np.testing.assert_allclose(spot.outline.mean(axis=0), (row, column), atol=0.3)
        assert spot.radius_px == pytest.approx(radius, abs=1.5)
    assert spots[0].excess == pytest.approx(24 / 4 - 1, rel=0.25)


def test_lesions_that_touch_are_outlined_one_by_one_and_hidden_ones_not_at_all():
    left, right = disk(40, 30, 6), disk(40, 30, 6)
    left[:, 30:], right[:, :30] = False, False
    right[40] = False  # in two pieces, one above the other
    instances = np.where(left, 2, np.where(right, 5, 0)).astype(np.uint16)
    view = replace(VIEW, instances=instances, label=(instances > 0).astype(np.uint8))
    found = masks(draw(STEADY, view=view))
    assert len(found) == 3
    assert dice(found[0], left) > 0.85
    assert dice(np.any(found[1:], axis=0), right) > 0.8


def test_a_steady_annotator_draws_the_truth():
    content = draw(STEADY)
    found = np.any(masks(content), axis=0)
    assert dice(found, VIEW.label == Label.METASTASIS) > 0.9
    assert dice(masks(content, "bladder")[0], VIEW.label == Label.BLADDER) > 0.85


def test_content_is_labelme_and_json():
    content = json.loads(json.dumps(draw(ANNOTATORS[0])))
    assert content.keys() == {
        "version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth",
    }  # fmt: skip
    assert (content["imageHeight"], content["imageWidth"]) == SHAPE
    assert content["imageData"] is None
    assert content["flags"] == {"simulated": True}
    for shape in content["shapes"]:
        assert shape["shape_type"] == "polygon"
        assert len(shape["points"]) >= 4
        columns, rows = np.array(shape["points"]).T
        assert 0 <= columns.min() <= columns.max() <= SHAPE[1] - 1
        assert 0 <= rows.min() <= rows.max() <= SHAPE[0] - 1


@pytest.mark.parametrize("bias_mm", [-2.3, 2.3, 4.6])
def test_bias_moves_the_edge_by_its_length(bias_mm):
    mask = masks(draw(replace(STEADY, bias_mm=bias_mm)))[1]
    radius_px = LESIONS[1][2] + bias_mm / PIXEL_MM
    assert np.sqrt(mask.sum() / np.pi) == pytest.approx(radius_px, abs=0.5)


def test_jitter_has_its_standard_deviation_and_is_smooth():
    circle = find_visible_spots(VIEW)[1].outline
    annotator = replace(STEADY, jitter_mm=1.0)
    rng = np.random.default_rng(0)
    moved = [redraw(circle, 50.0, annotator, pixel_mm=1.0, rng=rng) for _ in range(300)]
    radii = np.concatenate(
        [np.linalg.norm(outline - circle.mean(axis=0), axis=1) for outline in moved]
    )
    assert radii.std() == pytest.approx(1.0, rel=0.2)


def test_shift_moves_a_whole_outline():
    circle = find_visible_spots(VIEW)[1].outline
    annotator = replace(STEADY, shift_mm=2.0)
    rng = np.random.default_rng(0)
    moved = [redraw(circle, 5.0, annotator, pixel_mm=1.0, rng=rng) for _ in range(300)]
    centres = np.array([outline.mean(axis=0) for outline in moved])
    np.testing.assert_allclose(centres.std(axis=0), 2.0, rtol=0.2)


def test_edge_never_moves_inwards_by_more_than_half_the_radius():
    circle = find_visible_spots(VIEW)[0]
    moved = redraw(
        circle.outline,
        circle.radius_px,
        replace(STEADY, bias_mm=-100),
        pixel_mm=1.0,
        rng=np.random.default_rng(0),
    )
    radii = np.linalg.norm(moved - circle.outline.mean(axis=0), axis=1)
    assert radii.min() > 0.3 * circle.radius_px


def test_what_stands_out_is_not_missed_and_what_does_not_is():
    careless = replace(STEADY, miss_rate=1.0)
    assert len(masks(draw(careless))) == len(LESIONS)
    flat = replace(VIEW, counts=np.full(SHAPE, 9, np.uint16))
    content = draw(careless, view=flat)
    assert masks(content) == []
    assert len(masks(content, "bladder")) == 1


def test_added_lesion_lies_on_the_benign_hot_spot():
    eager = replace(STEADY, added_rate=1.0)
    added = [masks(draw(eager, seed))[-1] for seed in range(12)]
    assert all(len(masks(draw(eager, seed))) == len(LESIONS) + 1 for seed in range(3))
    labelled = VIEW.label != Label.BACKGROUND
    assert not any((mask & labelled).any() for mask in added)
    assert any((mask & disk(*BENIGN, 2.5)).any() for mask in added)


def test_nothing_is_added_where_there_is_no_bone():
    soft = replace(VIEW, regions=np.zeros(SHAPE, np.int64))
    assert len(masks(draw(replace(STEADY, added_rate=1.0), view=soft))) == len(LESIONS)


def test_empty_truth_gives_no_shapes():
    empty = replace(VIEW, label=np.zeros(SHAPE, np.uint8), instances=np.zeros(SHAPE, np.uint16))
    assert draw(STEADY, view=empty)["shapes"] == []


@pytest.mark.parametrize(("size", "drawn"), [(1, 0), (2, 1)])
def test_tiny_lesion_at_the_corner_is_drawn_inside_the_image_or_not_at_all(size, drawn):
    label = np.zeros(SHAPE, np.uint8)
    label[:size, -size:] = Label.METASTASIS
    view = replace(VIEW, label=label, instances=label.astype(np.uint16))
    shapes = draw(replace(ANNOTATORS[1], miss_rate=0, added_rate=0), view=view)["shapes"]
    assert len(shapes) == drawn
    for shape in shapes:
        columns, rows = np.array(shape["points"]).T
        assert rows.min() >= 0
        assert columns.max() <= SHAPE[1] - 1


def test_same_seed_same_outlines():
    assert draw(ANNOTATORS[1], seed=4) == draw(ANNOTATORS[1], seed=4) != draw(ANNOTATORS[1], seed=5)


def test_annotators_agree_about_as_well_as_physicians_on_small_lesions():
    """Two physicians agree with a Dice coefficient of about 0.7, here without missed lesions."""
    small = np.where(disk(30, 22, 2.5) | disk(60, 45, 3.5), Label.METASTASIS, Label.BACKGROUND)
    view = replace(VIEW, label=small.astype(np.uint8), instances=small.astype(np.uint16))
    agreement = []
    for seed in range(8):
        drawn = [np.any(masks(draw(annotator, seed, view)), axis=0) for annotator in ANNOTATORS]
        agreement += [dice(drawn[0], drawn[1]), dice(drawn[0], drawn[2]), dice(drawn[1], drawn[2])]
    assert 0.65 < np.mean(agreement) < 0.9
