import pytest
import torch

from bonescan.transforms import CropZScored
from bonescan.transforms.z_score import crop_z_score

VIEW = torch.zeros(6, 9)
VIEW[1:4, 2:7] = torch.tensor(
    [[5.0, 1, 3, 4, 0], [2, 0, 6, 9, 0], [7, 8, 4, 2, 1]]  # 0 at (1, 1) is a hole, those above not
)
INSIDE = torch.tensor([5.0, 1, 3, 4, 2, 0, 6, 9, 7, 8, 4, 2, 1])


def test_mean_and_deviation_are_of_the_body_with_its_holes():
    scored, box = crop_z_score(VIEW, nonzero_only=True)
    assert box == (slice(1, 4), slice(2, 7))
    expected = (VIEW[box] - INSIDE.mean()) / INSIDE.std(correction=0)
    expected[:2, 4] = 0
    torch.testing.assert_close(scored, expected)


def test_mean_and_deviation_are_of_the_whole_box():
    scored, box = crop_z_score(VIEW, nonzero_only=False)
    box_values = VIEW[box]
    torch.testing.assert_close(
        scored, (box_values - box_values.mean()) / box_values.std(correction=0)
    )


@pytest.mark.parametrize("nonzero_only", [True, False])
def test_zeros_around_and_a_factor_change_nothing(nonzero_only):
    padded = torch.nn.functional.pad(VIEW * 0.004, (3, 1, 0, 5))
    first, _ = crop_z_score(VIEW, nonzero_only=nonzero_only)
    torch.testing.assert_close(crop_z_score(padded, nonzero_only=nonzero_only)[0], first)


@pytest.mark.parametrize("nonzero_only", [True, False])
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_an_even_view_is_zero(nonzero_only, value):
    scored, _ = crop_z_score(torch.full((4, 5), value), nonzero_only=nonzero_only)
    assert torch.equal(scored, torch.zeros(4, 5))


def test_the_label_is_cropped_to_the_image():
    label = torch.arange(54.0).reshape(1, 6, 9)
    sample = CropZScored(["image", "label"], nonzero_only=True)(
        {"image": VIEW[None], "label": label}
    )
    assert torch.equal(sample["label"], label[:, 1:4, 2:7])
    assert torch.equal(sample["image"][0], crop_z_score(VIEW, nonzero_only=True)[0])


def test_several_views_are_refused():
    with pytest.raises(ValueError, match=r"of one view \(1, row, column\), got \(2, 6, 9\)"):
        CropZScored("image", nonzero_only=True)({"image": torch.stack([VIEW, VIEW])})
