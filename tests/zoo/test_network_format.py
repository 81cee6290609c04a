"""What a network takes and gives."""

import pytest
import torch
from torch import nn

from bonescan.labels import REGION_GROUPS
from bonescan.networks import BothViewsUNet
from bonescan.zoo.network_format import describe_network

CONFIG = {
    "name": "net",
    "size": [32, 16],
    "label_values": [1],
    "report": "@mask_report",
    "inferer": {"_target_": "bonescan.inferers.PerViewInferer"},
}


def describe(network, **changes):
    found = describe_network({**CONFIG, **changes}, network)
    return found["inputs"]["image"], found["outputs"]["pred"]


def shape(part):
    return part["num_channels"], part["spatial_shape"]


@pytest.mark.parametrize(
    ("inferer", "channels", "expected", "views"),
    [
        ({"_target_": "PerViewInferer"}, 1, [32, 16], ["planar views"]),
        ({"_target_": "SideBySideInferer"}, 1, [32, 32], ["planar views"]),
        ({"_target_": "AllViewsInferer"}, 2, [32, 16], ["anterior view", "posterior view"]),
        ({"_target_": "SubImageInferer", "window": 16, "stride": [8, 16]}, 1, [16, 16], None),
        ({"_target_": "PatchInferer", "patch": [16, 8], "nonzero_only": False}, 1, [16, 8], None),
    ],
)
def test_the_image_is_the_one_that_the_inferer_hands_over(inferer, channels, expected, views):
    inferer = {**inferer, "_target_": f"bonescan.inferers.{inferer['_target_']}"}
    image, pred = describe(nn.Conv2d(channels, 1, 3, padding=1), inferer=inferer)
    assert shape(image) == (channels, expected)
    assert list(image["channel_def"].values()) == (views or ["planar views"])
    assert shape(pred) == (1, expected)
    assert image["dtype"] == "float32"


def test_a_picture_of_panels_is_four_views_wide():
    network = nn.Sequential(nn.Conv2d(2, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    bits = ["spine", "pelvis", "scapula", "ribs", "femur", "other"]
    image, pred = describe(
        network, inferer={"_target_": "SimpleInferer"}, report={"_target_": "X", "bits": bits}
    )
    assert shape(image) == (2, [32, 64])
    assert shape(pred) == (6, [])
    assert (pred["format"], list(pred["channel_def"].values())) == ("classes", bits)


@pytest.mark.parametrize(
    ("channels", "values", "expected"),
    [
        (1, [1], ["metastasis"]),
        (1, [2], ["bladder"]),
        (2, [1], ["background", "metastasis"]),
        (3, [1], ["air", "body", "metastasis"]),
        (len(REGION_GROUPS), [1], list(REGION_GROUPS)),
        (5, [1], [f"output {number}" for number in range(5)]),
    ],
)
def test_channels_are_named_after_what_is_predicted(channels, values, expected):
    _, pred = describe(nn.Conv2d(1, channels, 1), label_values=values)
    assert list(pred["channel_def"].values()) == expected


class Boxes(nn.Module):
    """Gives a list."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Give each image on its own."""
        return list(image)


def test_foci_and_bones_of_both_views_are_told_apart():
    network = BothViewsUNet(4, len(REGION_GROUPS), [4, 4, 4])
    inferer = {"_target_": "bonescan.inferers.BothViewsInferer"}
    image, pred = describe(network, inferer=inferer)
    assert shape(image) == (2, [32, 16])
    names = list(pred["channel_def"].values())
    assert names[:5] == [
        "anterior background", "anterior bladder", "anterior benign", "anterior metastasis",
        "anterior skull",
    ]  # fmt: skip
    assert names[37] == "posterior metastasis"
    assert len(names) == 68


@pytest.mark.parametrize("network", [Boxes(), nn.MaxPool2d(2)])
def test_what_gives_no_single_map(network):
    with pytest.raises(
        ValueError, match=r"network of net must turn an image .* got something else"
    ):
        describe(network)
