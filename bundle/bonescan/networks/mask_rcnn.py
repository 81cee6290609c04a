"""Mask R-CNN with and without spatial attention (Lin 2020), on torchvision's."""

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import mask_rcnn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock
from torchvision.ops.misc import FrozenBatchNorm2d

from bonescan.networks.weights import load_exactly, read_weights

IMAGE_CHANNELS = 3
"""Of ImageNet's photographs."""
BACKBONES = {"resnet18": (BasicBlock, (2, 2, 2, 2)), "resnet50": (Bottleneck, (3, 4, 6, 3))}
"""Kind of block, and number of blocks in each stage (He 2016, Table 1)."""
STAGES = ("layer1", "layer2", "layer3", "layer4")
"""Of a ResNet, as torchvision calls them; their maps become levels P2 to P5 of the pyramid."""
FIXED_STAGES = ("conv1", "layer1")
"""Kept as they are where weights are given, as torchvision does: they see edges, not things."""

CLASSES = 2
"""Background and metastasis."""
ANCHOR_SIDES_PX = (8, 16, 32, 64, 128)
"""Of levels P2 to P6. A quarter of torchvision's: lesions are a few to 20 px wide, not hundreds."""
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
BOX_BINS = 7
"""Sides of the features that the heads are given of each box."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class SpatialAttention(nn.Module):
    """Weight each place by a gate computed from the mean and the maximum over channels.

    Lin 2020, eq. 6, the second half of CBAM (Woo 2018): a 7x7 convolution without bias over
    (mean, maximum), and a sigmoid. The gate is twice the sigmoid and the weights start at zero, so
    that every gate is 1 and training starts as without attention; the factor 2 is one that the
    convolutions behind can take up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size=7, padding=3, bias=False)
        nn.init.zeros_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape, each place times a gate in 0..2."""
        mean = x.mean(dim=1, keepdim=True)
        maximum = x.amax(dim=1, keepdim=True)
        return x * (2 * torch.sigmoid(self.conv(torch.cat([mean, maximum], dim=1))))


class AttendedPyramid(ExtraFPNBlock):
    """Spatial attention on every level of a pyramid, and a coarser level of the last one.

    What torchvision calls an extra block: it is given the levels and returns them with one more.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(SpatialAttention() for _ in range(levels))

    def forward(
        self,
        results: list[Tensor],
        x: list[Tensor],  # noqa: ARG002 - torchvision hands in what the levels were made of
        names: list[str],
    ) -> tuple[list[Tensor], list[str]]:
        """Map levels (B, C, H, W), finest first, to as many and one of half the last one's side."""
        attended: list[Tensor] = []
        for index, attention in enumerate(self.levels):  # TorchScript needs the modules' own order
            attended.append(attention(results[index]))
        attended.append(F.max_pool2d(attended[-1], kernel_size=1, stride=2))
        return attended, names + ["pool"]  # noqa: RUF005 - TorchScript cannot unpack a list


class NativeSize(GeneralizedRCNNTransform):
    """Torchvision's way into and out of the network, at the images' own size.

    Torchvision resizes images to a common side, and pastes masks into boxes that it rounds down to
    whole pixels. That moves a mask by half a pixel to the upper left on average: nothing in a
    photograph, but a third of the intersection over union of a lesion 5 px wide.
    """

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Return both as they are."""
        return image, target

    def postprocess(
        self,
        result: list[dict[str, Tensor]],
        image_shapes: list[tuple[int, int]],
        original_image_sizes: list[tuple[int, int]],  # noqa: ARG002 - the same as image_shapes
    ) -> list[dict[str, Tensor]]:
        """Replace the masks of boxes (N, 1, bins, bins) by masks of the image (N, 1, H, W)."""
        if not self.training:
            for detection, (rows, columns) in zip(result, image_shapes):  # noqa: B905 - TorchScript
                detection["masks"] = paste_masks(
                    detection["masks"], detection["boxes"], rows, columns
                )
        return result


def paste_masks(masks: Tensor, boxes: Tensor, rows: int, columns: int) -> Tensor:
    """Draw the masks of boxes into the image by bilinear interpolation, 0 outside.

    Args:
        masks: (N, 1, bins, bins) probabilities.
        boxes: (N, 4) left, top, right and bottom edge; pixel centres lie at whole numbers.
        rows: of the image.
        columns: of the image.

    Returns:
        (N, 1, rows, columns) probabilities.
    """
    left, top, right, bottom = boxes[:, :, None].unbind(dim=1)  # (N, 1) each
    row = torch.arange(rows, dtype=boxes.dtype, device=boxes.device)
    column = torch.arange(columns, dtype=boxes.dtype, device=boxes.device)
    y = (2 * row - top - bottom) / (bottom - top)  # (N, H), -1..1 inside the box
    x = (2 * column - left - right) / (right - left)  # (N, W)
    shape = (len(boxes), rows, columns)
    grid = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=3)
    return F.grid_sample(masks.to(grid.dtype), grid, align_corners=False)


class MaskRCNN(mask_rcnn.MaskRCNN):
    """Mask R-CNN on a ResNet with a feature pyramid, for grey images at their own size.

    Lin 2020, "Mask R-CNN" and "Mask R-CNN-Att". At paper size (ResNet-50, width 64) it has the
    43.976 M parameters of torchvision's maskrcnn_resnet50_fpn, and 4 x 98 more with attention.

    As in torchvision, the network in training takes images and targets (see
    bonescan.transforms.find_instances) and returns five losses by name; in evaluation it takes
    images (B, 1, H, W) with values 0..1 and returns of each a dictionary: `boxes` (N, 4), `labels`
    (N,), `scores` (N,) in descending order, `masks` (N, 1, H, W) as probabilities. Detections with
    a score of 0.05 or less are left out, and more than 100.

    The scripted network takes a list of images and returns a pair, losses and detections.

    Args:
        width: of the ResNet's first stage; the channels of pyramid and mask head are 4 times,
            those of the box head 16 times as many.
        backbone: "resnet50", or "resnet18" where time is short.
        attention: whether the pyramid's levels P2 to P5 pass a SpatialAttention each.
        proposals: boxes of each image that the heads are given; twice as many in training, of
            which they learn from a sample.
        samples: of these boxes for each image, a quarter of them on lesions where there are so
            many: the fewer, the less the background outweighs a few lesions.
        weights: file with torchvision's weights of that ResNet on ImageNet ("resnet50-....pth");
            batch normalisation, stem and first stage then stay as they are. None starts from
            random ones.

    Raises:
        ValueError: if the backbone is another, or the file's tensors are not those of it.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        backbone: str = "resnet50",
        attention: bool = False,
        proposals: int = 1000,
        samples: int = 512,
        weights: str | Path | None = None,
    ) -> None:
        channels, box_channels = 4 * width, 16 * width
        super().__init__(
            _make_pyramid(backbone, width, attention=attention, weights=weights),
            rpn_anchor_generator=AnchorGenerator(
                tuple((side,) for side in ANCHOR_SIDES_PX),
                (ANCHOR_RATIOS,) * len(ANCHOR_SIDES_PX),
            ),
            rpn_pre_nms_top_n_train=2 * proposals,
            rpn_post_nms_top_n_train=2 * proposals,
            rpn_pre_nms_top_n_test=proposals,
            rpn_post_nms_top_n_test=proposals,
            box_batch_size_per_image=samples,
            box_head=TwoMLPHead(channels * BOX_BINS**2, box_channels),
            box_predictor=FastRCNNPredictor(box_channels, CLASSES),
            mask_head=mask_rcnn.MaskRCNNHeads(channels, (channels,) * 4, dilation=1),
            mask_predictor=mask_rcnn.MaskRCNNPredictor(channels, channels, CLASSES),
        )
        # a grey image against three means and deviations becomes three channels
        mean, std = (IMAGENET_MEAN, IMAGENET_STD) if weights else ((0.0,) * 3, (1.0,) * 3)
        self.transform = NativeSize(0, 0, list(mean), list(std))


def _make_pyramid(
    name: str, width: int, *, attention: bool, weights: str | Path | None
) -> BackboneWithFPN:
    """Build a ResNet with a feature pyramid of five levels."""
    if name not in BACKBONES:
        raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}, got {name!r}")
    block, _ = BACKBONES[name]
    # a batch is small for a detector: torchvision does not update statistics that it was given
    resnet = _make_resnet(name, width, norm=FrozenBatchNorm2d if weights else nn.BatchNorm2d)
    if weights:
        state = read_weights(weights)
        # the classifier is left out, and fixed statistics count no batches
        unused = re.compile(r"fc\.|.*\.num_batches_tracked")
        features = {key: state[key] for key in state if not unused.match(key)}
        expected = f"torchvision's {name} for this width"
        load_exactly(resnet, features, file=weights, expected=expected)
        for stage in FIXED_STAGES:
            resnet.get_submodule(stage).requires_grad_(requires_grad=False)
    return BackboneWithFPN(
        resnet,
        return_layers={stage: str(level) for level, stage in enumerate(STAGES)},
        in_channels_list=[width * 2**level * block.expansion for level in range(len(STAGES))],
        out_channels=4 * width,
        extra_blocks=AttendedPyramid(len(STAGES)) if attention else None,
    )


def _make_resnet(name: str, width: int, *, norm: Callable[[int], nn.Module]) -> nn.Sequential:
    """Build the stages of a ResNet from torchvision's blocks, whose own has a width of 64 only."""
    block, depths = BACKBONES[name]
    layers = {
        "conv1": nn.Conv2d(IMAGE_CHANNELS, width, 7, stride=2, padding=3, bias=False),
        "bn1": norm(width),
        "relu": nn.ReLU(inplace=True),
        "maxpool": nn.MaxPool2d(3, stride=2, padding=1),
    }
    inputs = width
    for level, (stage, depth) in enumerate(zip(STAGES, depths, strict=True)):
        planes, stride = width * 2**level, 1 if level == 0 else 2
        outputs = planes * block.expansion
        shortcut = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), norm(outputs))
        first = block(inputs, planes, stride, shortcut, norm_layer=norm)
        others = [block(outputs, planes, norm_layer=norm) for _ in range(depth - 1)]
        layers[stage] = nn.Sequential(first, *others)
        inputs = outputs
    resnet = nn.Sequential(OrderedDict(layers))
    for module in resnet.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return resnet
