"""Mask R-CNN: size, attention, masks, gradients, learning, scripting, weights files."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.roi_heads import project_masks_on_boxes

from bonescan.networks import MaskRCNN, SpatialAttention
from bonescan.networks.mask_rcnn import paste_masks
from bonescan.transforms import find_instances
from tests.networks.checks import MASK_RCNN_LOSSES, count, script


def make(**settings) -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(**{"width": 8, "backbone": "resnet18", "proposals": 50, **settings})


def make_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """One image with two lesions and one without any."""
    generator = torch.Generator().manual_seed(0)
    label = torch.zeros(2, 96, 64)
    label[0, 20:29, 12:18] = 1
    label[0, 70:76, 40:52] = 1
    image = 0.2 * torch.rand(2, 96, 64, generator=generator) + 0.7 * label
    return image[:, None], label


def targets_of(label: torch.Tensor) -> list[dict[str, torch.Tensor]]:
    return [find_instances(label_map) for label_map in label]


def lesions(image: torch.Tensor, network: MaskRCNN) -> torch.Tensor:
    with torch.no_grad():
        detections = network.eval()(image)
    return torch.stack(
        [(found["masks"][found["scores"] >= 0.5, 0] >= 0.5).any(dim=0) for found in detections]
    )


def test_paper_size_is_torchvisions():
    sides = ((8,), (16,), (32,), (64,), (128,))
    with torch.device("meta"):
        plain, attended = MaskRCNN(), MaskRCNN(attention=True)
        published = maskrcnn_resnet50_fpn(
            weights=None,
            weights_backbone=None,
            num_classes=2,
            rpn_anchor_generator=AnchorGenerator(sides, ((0.5, 1.0, 2.0),) * 5),
        )
    assert count(plain) == count(published) == 43_975_515
    assert count(attended) == count(plain) + 4 * 98
    shapes = [
        {name: value.shape for name, value in network.state_dict().items()}
        for network in (plain, published)
    ]
    assert shapes[0] == shapes[1]


def test_anchors_and_proposals_of_the_paper():
    network = make(width=2, proposals=1000)
    assert network.rpn.anchor_generator.sizes == ((8,), (16,), (32,), (64,), (128,))
    assert network.rpn.anchor_generator.aspect_ratios == ((0.5, 1.0, 2.0),) * 5
    published = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    for training in (True, False):
        ours, theirs = network.train(training).rpn, published.train(training).rpn
        assert ours.pre_nms_top_n() == theirs.pre_nms_top_n()
        assert ours.post_nms_top_n() == theirs.post_nms_top_n()
    samplers = [each.roi_heads.fg_bg_sampler for each in (network, published)]
    assert samplers[0].batch_size_per_image == samplers[1].batch_size_per_image


def test_attention_by_hand():
    attention = SpatialAttention()
    with torch.no_grad():
        attention.conv.weight[0, 0, 3, 3] = 2.0  # of the mean
        attention.conv.weight[0, 1, 3, 4] = -1.0  # of the maximum one column to the right
    x = torch.zeros(1, 2, 3, 4)
    x[0, :, 1, 2] = torch.tensor([1.0, 3.0])
    attended = attention(x)
    assert attended.shape == x.shape
    gate = 2 * torch.sigmoid(torch.tensor(2.0 * 2))
    torch.testing.assert_close(attended[0, :, 1, 2], gate * torch.tensor([1.0, 3.0]))
    x[0, :, 1, 3] = torch.tensor([5.0, -1.0])
    gate = 2 * torch.sigmoid(torch.tensor(2.0 * 2 - 5))
    torch.testing.assert_close(attention(x)[0, :, 1, 2], gate * torch.tensor([1.0, 3.0]))


def test_attention_starts_as_identity():
    x = torch.randn(2, 3, 9, 7)
    assert torch.equal(SpatialAttention()(x), x)
    image = torch.rand(1, 3, 96, 64)
    plain, attended = make().backbone.eval(), make(attention=True).backbone.eval()
    attended.load_state_dict(plain.state_dict(), strict=False)
    with torch.no_grad():
        for level, expected in plain(image).items():
            assert torch.equal(attended(image)[level], expected)


def test_coarsest_level_comes_from_the_attended_one():
    backbone = make(attention=True).backbone.eval()
    image = torch.rand(1, 3, 160, 224)
    with torch.no_grad():
        before = backbone(image)
        nn.init.constant_(backbone.fpn.extra_blocks.levels[3].conv.weight, -0.1)
        after = backbone(image)
    assert list(after) == ["0", "1", "2", "3", "pool"]
    assert [tuple(level.shape[2:]) for level in after.values()] == [
        (40, 56), (20, 28), (10, 14), (5, 7), (3, 4),
    ]  # fmt: skip
    changed = [not torch.equal(after[level], before[level]) for level in after]
    assert changed == [False, False, False, True, True]
    assert torch.equal(after["pool"], after["3"][:, :, ::2, ::2])


def test_mask_lands_where_it_came_from():
    """What the mask head is taught, pasted back, is the lesion; torchvision's pasting shifts it."""
    generator = torch.Generator().manual_seed(0)
    row, column = torch.meshgrid(torch.arange(40.0), torch.arange(30.0), indexing="ij")
    for radius in (1.5, 2.5, 4.0):
        centre = 10 + 8 * torch.rand(2, generator=generator)
        distance = ((row - centre[0]) / radius) ** 2 + ((column - centre[1]) / (1.3 * radius)) ** 2
        lesion = (distance <= 1).float()
        target = find_instances(lesion)
        taught = project_masks_on_boxes(
            target["masks"], target["boxes"], torch.tensor([0]), 28
        )  # (1, 28, 28)
        pasted = paste_masks(taught[:, None], target["boxes"], 40, 30)
        assert torch.equal((pasted[0, 0] >= 0.5).float(), lesion)


def test_no_mask_is_pasted():
    assert paste_masks(torch.zeros(0, 1, 28, 28), torch.zeros(0, 4), 5, 3).shape == (0, 1, 5, 3)


@pytest.mark.parametrize("attention", [False, True])
def test_gradient_reaches_every_parameter(attention):
    network = make(attention=attention)
    image, label = make_batch()
    losses = network(image, targets_of(label))
    assert set(losses) == MASK_RCNN_LOSSES
    sum(losses.values()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
    # of the mask head's classes only that of the lesion is taught
    background, lesion = network.roi_heads.mask_predictor.mask_fcn_logits.weight.grad
    assert background.abs().max() == 0 < lesion.abs().max()


def test_images_without_lesions_have_finite_losses():
    losses = make()(torch.rand(2, 1, 64, 96), targets_of(torch.zeros(2, 64, 96)))
    total = sum(losses.values())
    total.backward()
    assert total.isfinite()
    assert losses["loss_mask"] == 0


def test_batch_equals_each_image_alone():
    network = make().eval()
    network.roi_heads.score_thresh = 0.0  # an untrained network is sure of nothing
    images = torch.rand(2, 1, 96, 64)
    with torch.no_grad():
        together = network(images)
        for image, expected in zip(images, together, strict=True):
            (alone,) = network(image[None])
            assert len(alone["scores"]) > 0
            assert alone["masks"].shape[1:] == (1, 96, 64)
            torch.testing.assert_close(alone["scores"], expected["scores"])
            torch.testing.assert_close(alone["masks"], expected["masks"], atol=1e-4, rtol=0)


def test_sides_need_not_divide():
    image = torch.rand(1, 1, 50, 70)
    with torch.no_grad():
        (found,) = make().eval()(image)
    assert found["masks"].shape[1:] == (1, 50, 70)


@pytest.mark.slow
def test_one_batch_is_overfitted():
    network = make(width=12, attention=True, samples=32)
    image, label = make_batch()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(160):
        losses = network(image, targets_of(label))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    found, true = lesions(image, network), label == 1
    assert not found[1].any()
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.9


def test_scripted_network_gives_the_same():
    network = make(attention=True).eval()
    network.roi_heads.score_thresh = 0.0
    scripted = script(network)
    image = torch.rand(1, 96, 64)
    with torch.no_grad(), pytest.warns(UserWarning, match=r"always returns a \(Losses, Detect"):
        _, (found,) = scripted([image])
    with torch.no_grad():
        (expected,) = network(image[None])
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value)


class TestWeights:
    @pytest.fixture
    def published(self, tmp_path) -> tuple[nn.Module, str]:
        """ResNet-18 as torchvision publishes it, with random values."""
        torch.manual_seed(1)
        resnet = resnet18(weights=None).eval()
        for name, buffer in resnet.named_buffers():
            if name.endswith("running_mean"):
                nn.init.normal_(buffer)
        torch.save(resnet.state_dict(), tmp_path / "resnet18.pth")
        return resnet, str(tmp_path / "resnet18.pth")

    def test_stages_are_those_of_torchvision(self, published):
        resnet, path = published
        network = make(width=64, weights=path)
        image = torch.rand(1, 3, 64, 96)
        x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(image))))
        expected = resnet.layer4(resnet.layer3(resnet.layer2(resnet.layer1(x))))
        # fixed statistics: the same in training and in evaluation
        torch.testing.assert_close(
            network.train().backbone.body(image)["3"], expected, atol=1e-4, rtol=0
        )

    def test_images_are_normalised_as_photographs(self, published):
        assert make(width=64, weights=published[1]).transform.image_mean == [0.485, 0.456, 0.406]
        assert make().transform.image_mean == [0.0, 0.0, 0.0]

    def test_stem_and_first_stage_stay(self, published):
        network = make(width=64, weights=published[1])
        fixed = [name for name, each in network.named_parameters() if not each.requires_grad]
        stages = {name.split(".")[2] for name in fixed}
        assert stages == {"conv1", "layer1"}
        assert all(each.requires_grad for each in make().parameters())

    def test_other_width_is_refused_by_name(self, published):
        match = r"resnet18\.pth: .* torchvision's resnet18 for this width, .*bn1\.bias"
        with pytest.raises(ValueError, match=match):
            make(width=8, weights=published[1])

    def test_other_backbone_is_refused_by_name(self, published):
        with pytest.raises(ValueError, match=r"torchvision's resnet50 .*layer1\.0"):
            make(width=64, backbone="resnet50", weights=published[1])


def test_other_backbones_are_refused():
    with pytest.raises(ValueError, match="must be one of resnet18, resnet50, got 'vgg19'"):
        make(backbone="vgg19")
