"""The rules worked out by hand, on sizes that are not square; then nnU-Net's own planner."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from monai.transforms import Compose

from bonescan.data.nnunet_plan import (
    count_values,
    make_plan,
    measure_images,
    nonzero_box,
    plan_batch,
    plan_features,
    plan_rotation,
    plan_strides,
    plan_training,
)
from tests.nnunet_peer import assert_same_plan, needs_nnunet, plan_by_nnunet


def plan(size, images, share=1.0):
    return plan_training([size] * images, [share] * images)


@pytest.mark.parametrize(
    ("size", "halvings"),
    [
        ((256, 256), [(2, 2)] * 6),  # to 4 x 4
        ((248, 177), [(2, 2)] * 5),  # to 8 x 6, where 8 would be halved alone
        ((1024, 256), [(2, 2)] * 6 + [(2, 1)]),  # to 16 x 4 and 8 x 4
        ((24, 100), [(2, 2)] * 2 + [(1, 2)] * 2),  # to 6 x 25, 6 x 13, 6 x 7
        ((7, 11), []),
        ((7, 12), [(1, 2)]),  # alone from 12 on
        ((8, 9), [(2, 2)]),
    ],
)
def test_edges_are_halved_while_they_are_long_enough(size, halvings):
    assert plan_strides(size) == ((1, 1), *halvings)


def test_features_double_up_to_the_most():
    assert plan_features(7) == (32, 64, 128, 256, 512, 512, 512)


def test_values_of_two_stages_worked_out_by_hand():
    # 8 x 16 is halved once: 32 maps of 128 pixels and 64 of 32
    encoder = 2 * 32 * 128 + 2 * 64 * 32
    assert count_values((8, 16)) == encoder + 3 * 32 * 128 + 2 * 128


@pytest.mark.parametrize(
    ("size", "images", "patch", "batch"),
    [
        ((248, 177), 40, (256, 192), 2),
        ((248, 177), 100, (256, 192), 4),  # 5 % of 100 x 248 x 177 pixels are 4.5 patches
        ((248, 177), 300, (256, 192), 13),
        ((1024, 256), 240, (1024, 256), 12),
        ((1024, 256), 3000, (1024, 256), 12),  # more do not fit into memory
        ((256, 256), 300, (256, 256), 15),
    ],
)
def test_patch_and_batch_are_those_measured_of_nnunet(size, images, patch, batch):
    planned = plan(size, images)
    assert (planned.patch, planned.batch_size, planned.images) == (patch, batch, images)


def test_the_patch_is_that_of_the_median_image_along_each_axis():
    planned = plan_training([(90, 41), (70, 300), (71, 44), (500, 43)], [1.0] * 4)
    assert planned.median_size == (80.5, 43.5)
    assert planned.strides == ((1, 1), (2, 2), (2, 2), (2, 2))  # to 41 x 22, 21 x 11, 11 x 6
    assert planned.patch == (88, 48)  # 8 divides them


def test_a_patch_too_large_for_a_batch_is_shortened_in_the_proportions_of_the_image():
    patch = plan((4747, 2660), 20).patch
    assert patch == (1792, 896)  # seen of nnU-Net
    assert count_values(patch) * 2 / 12 <= 85e6 < count_values((1792, 1152)) * 2 / 12


def test_a_batch_has_two_patches_at_least():
    assert plan_batch((64, 32), pixels=64 * 32) == 2


@pytest.mark.parametrize(("share", "expected"), [(0.74, True), (0.75, False)])
def test_zeros_are_left_out_where_they_are_a_quarter(share, expected):
    assert plan((248, 177), 5, share).nonzero_norm is expected


@pytest.mark.parametrize(
    ("patch", "degrees"), [((256, 192), 180), ((96, 64), 180), ((64, 97), 15), ((1024, 256), 15)]
)
def test_patches_that_are_nearly_square_are_turned_any_way(patch, degrees):
    assert plan_rotation(patch) == degrees


def test_the_box_is_the_smallest_around_what_is_not_zero():
    view = np.zeros((7, 9))
    view[2, 4] = view[5, 3] = -1
    assert nonzero_box(view) == (slice(2, 6), slice(3, 5))
    assert nonzero_box(np.zeros((7, 9))) == (slice(0, 7), slice(0, 9))
    assert measure_images([view]) == ([(4, 2)], [8 / 63])


def test_each_view_of_a_scan_is_an_image():
    def load(entry):
        image = np.zeros((2, 64, 60))
        image[0, : entry["rows"], :40] = 1
        image[1, :50, :33] = 1
        return {"image": image}

    planned = make_plan([{"rows": 60}, {"rows": 52}, {"rows": 41}], Compose([load]))
    assert planned["images"] == 6
    assert planned["median_size"] == [50, 36.5]
    assert planned == json.loads(json.dumps(planned)), "lists, as JSON gives them back"


@pytest.mark.parametrize("size", [(28, 200), (6, 7)])
def test_images_too_small_for_the_network_are_refused(size):
    with pytest.raises(ValueError, match=r"network of 4 stages, .* got a median of "):
        plan((28, 28), 9)
    assert len(plan((29, 29), 9).strides) == 4
    if max(size) < 29:
        with pytest.raises(ValueError, match=f"{size[0]} x {size[1]}: give a larger field"):
            plan(size, 3)


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="must hold images to plan for, got none"):
        plan_training([], [])


@pytest.mark.slow
@needs_nnunet
@pytest.mark.parametrize(
    ("extent", "margin", "number"), [((248, 177), 40, 45), ((700, 150), 3, 21), ((93, 140), 9, 8)]
)
def test_nnunet_itself_plans_the_same(extent, margin, number, tmp_path):
    views = draw_views(extent, margin, number)
    ours = json.loads(json.dumps(asdict(plan_training(*measure_images(views)))))
    assert_same_plan(ours, plan_by_nnunet(views, tmp_path))


def draw_views(extent, margin, number):
    """Draw images of about this extent, with zeros around."""
    rng = np.random.default_rng(7)
    views = []
    for _ in range(number):
        rows, columns = (edge + int(rng.integers(-6, 7)) for edge in extent)
        view = np.zeros((rows + 2 * margin, columns + margin), np.uint16)
        view[margin : margin + rows, margin:] = rng.integers(1, 99, (rows, columns))
        views.append(view)
    return views
