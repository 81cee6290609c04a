"""The picture of four panels, and its way back to the views."""

import pytest
import torch
from monai.data import MetaTensor

from bonescan.transforms import Panelsd
from bonescan.transforms.panels import join_panels, picture_size, show_panels, split_panels

BOTH = ("anterior", "posterior")


def stack_of(*values: float) -> torch.Tensor:
    """One view of 2 rows x 3 columns for each value, its left upper pixel without uptake."""
    stack = torch.tensor(values)[:, None, None].repeat(1, 2, 3)
    stack[:, 0, 0] = 0
    return stack


def test_panels_are_dark_where_it_is_hot_and_twice_as_dark_in_the_narrower_window():
    picture = show_panels(stack_of(0.2, 0.6), BOTH)
    assert picture.shape == (1, *picture_size((2, 3))) == (1, 2, 12)
    shown = [panel[0, 1, 1].item() for panel in picture.chunk(4, dim=-1)]
    assert shown == pytest.approx([0.8, 0.4, 0.6, 0.0])
    assert all(panel[0, 0, 0] == 1 for panel in picture.chunk(4, dim=-1))


def test_grey_is_in_steps_of_eight_bits():
    picture = show_panels(torch.rand(2, 5, 7), BOTH)
    steps = 255 * picture
    torch.testing.assert_close(steps, steps.round())
    assert len(steps.round().unique()) > 20


@pytest.mark.parametrize(("view", "panels"), [("anterior", (0, 2)), ("posterior", (1, 3))])
def test_panels_of_an_absent_view_are_empty(view, panels):
    picture = show_panels(stack_of(0.5), (view,))
    for number, panel in enumerate(picture.chunk(4, dim=-1)):
        assert (panel.min() < 1) == (number in panels)
    assert split_panels(join_panels(stack_of(0.5), (view,)), (view,)).equal(stack_of(0.5))


@pytest.mark.parametrize("views", [BOTH, BOTH[::-1], ("posterior",)])
def test_maps_come_back_to_their_views(views):
    stack = torch.rand(3, len(views), 5, 7)  # three classes
    torch.testing.assert_close(split_panels(join_panels(stack, views), views), stack)


def test_a_view_is_the_mean_of_its_panels():
    picture = torch.tensor([1.0, 10.0, 4.0, 30.0]).repeat_interleave(3).reshape(1, 1, 12)
    anterior, posterior = split_panels(picture, BOTH)
    assert anterior.unique().tolist() == [2.5]
    assert posterior.unique().tolist() == [20.0]


def test_dictionary_form_shows_the_image_and_joins_the_maps(make_stack):
    image, label = make_stack() / 70, (make_stack() > 40).float()
    sample = Panelsd(["image", "label"])({"image": image, "label": label})
    assert sample["image"].equal(MetaTensor(show_panels(image.as_tensor(), BOTH)))
    assert sample["label"].equal(MetaTensor(join_panels(label.as_tensor(), BOTH)))
    assert sample["image"].meta["views"] == "panels"
    assert sample["image"].meta["scan_id"] == "scan-7"
