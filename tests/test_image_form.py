"""What an image shows of a scan."""

import pytest

from bonescan.dicom.scan import View
from bonescan.image_form import ImageForm


@pytest.mark.parametrize(
    ("form", "flipped", "sides"),
    [
        (ImageForm.ANTERIOR, False, ["RL"]),
        (ImageForm.ANTERIOR, True, ["RL"]),
        (ImageForm.POSTERIOR, False, ["LR"]),
        (ImageForm.POSTERIOR, True, ["RL"]),
        (ImageForm.AGGREGATED, True, ["RL"]),
        (ImageForm.AGGREGATED, False, []),
        (ImageForm.SIDE_BY_SIDE, False, ["RL", "LR"]),
        (ImageForm.SIDE_BY_SIDE, True, ["RL", "RL"]),
        (ImageForm.PANELS, False, ["RL", "LR", "RL", "LR"]),
    ],
)
def test_sides_of_the_patient_in_each_part(form, flipped, sides):
    assert ["".join(pair) for pair in form.sides(posterior_flipped=flipped)] == sides
    swapped = form.sides(posterior_flipped=flipped, mirrored_copy=True)
    assert ["".join(pair)[::-1] for pair in swapped] == sides


def test_every_view_is_a_form_and_sorts_as_views_do():
    forms = [ImageForm(view) for view in View]
    assert forms == list(View)
    assert sorted(forms) == forms


def test_captions_are_words():
    assert ImageForm("side_by_side").caption == "side by side"


def test_unknown_names_are_refused():
    expected = "one of anterior, posterior, aggregated, side_by_side, panels, got 'lateral'"
    with pytest.raises(ValueError, match=expected):
        ImageForm("lateral")
