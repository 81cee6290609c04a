"""What is written is read."""

from dataclasses import fields

import numpy as np
import pytest

from bonescan.image_form import ImageForm
from bonescan.report.evaluated_images import (
    EvaluatedImage,
    read_evaluated_images,
    write_evaluated_images,
)
from tests.report.pictures import make_image


def make_masks(form: ImageForm, shape: tuple[int, int] = (3, 5)) -> np.ndarray:
    return np.random.default_rng(len(form)).random((2, *shape)) > 0.6


def make_random(form: ImageForm, shape: tuple[int, int] = (3, 5)) -> EvaluatedImage:
    uptake = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    return make_image(
        *make_masks(form, shape),
        form=form,
        uptake=uptake,
        spacing_mm=(0.1, 0.3),
        posterior_flipped=form is ImageForm.POSTERIOR,
        mirrored_copy=form is ImageForm.ANTERIOR,
    )


def test_masks_are_those_that_were_packed():
    pred_mask, truth_mask = make_masks(ImageForm.AGGREGATED)
    image = make_random(ImageForm.AGGREGATED)
    np.testing.assert_array_equal(image.pred_mask, pred_mask)
    np.testing.assert_array_equal(image.truth_mask, truth_mask)
    assert image.pred_mask.dtype == bool


def test_round_trip(tmp_path):
    images = [make_random(form) for form in ImageForm]
    write_evaluated_images(tmp_path / "images.npz", images)
    for image, back in zip(images, read_evaluated_images(tmp_path / "images.npz"), strict=True):
        for field in fields(EvaluatedImage):
            expected, read = getattr(image, field.name), getattr(back, field.name)
            assert type(read) is type(expected), field.name
            np.testing.assert_array_equal(read, expected)


def test_images_of_several_sizes_are_refused(tmp_path):
    images = [make_random(ImageForm.ANTERIOR), make_random(ImageForm.POSTERIOR, (5, 3))]
    with pytest.raises(ValueError, match=r"images must be of one size.*\(3, 5\), \(5, 3\)"):
        write_evaluated_images(tmp_path / "images.npz", images)


@pytest.mark.parametrize(
    ("form", "flipped", "copy", "caption", "sides"),
    [
        (ImageForm.POSTERIOR, True, False, "posterior, mirrored", "RL"),
        (ImageForm.POSTERIOR, False, False, "posterior", "LR"),
        (ImageForm.ANTERIOR, True, False, "anterior", "RL"),
        (ImageForm.SIDE_BY_SIDE, False, False, "side by side", "RLLR"),
        (ImageForm.POSTERIOR, True, True, "posterior, mirrored, mirrored copy", "LR"),
        (ImageForm.POSTERIOR, False, True, "posterior, mirrored copy", "RL"),
        (ImageForm.ANTERIOR, True, True, "anterior, mirrored copy", "LR"),
    ],
)
def test_a_flipped_view_and_a_mirrored_copy_are_two_things(form, flipped, copy, caption, sides):
    mask = np.zeros((2, 3), dtype=bool)
    image = make_image(mask, mask, form=form, posterior_flipped=flipped, mirrored_copy=copy)
    assert image.caption == caption
    assert "".join(map("".join, image.sides)) == sides
