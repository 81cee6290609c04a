"""Loss functions that MONAI lacks."""

from bonescan.losses.cross_entropy import PixelCrossEntropy, pixel_cross_entropy
from bonescan.losses.deep_supervision import DeepSupervisionLoss
from bonescan.losses.overlap import BothOutputsLoss, FocalTverskyLoss

__all__ = [
    "BothOutputsLoss",
    "DeepSupervisionLoss",
    "FocalTverskyLoss",
    "PixelCrossEntropy",
    "pixel_cross_entropy",
]
