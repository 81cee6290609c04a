"""Loss functions that MONAI lacks."""

from bonescan.losses.cross_entropy import PixelCrossEntropy, pixel_cross_entropy
from bonescan.losses.overlap import BothOutputsLoss, FocalTverskyLoss

__all__ = ["BothOutputsLoss", "FocalTverskyLoss", "PixelCrossEntropy", "pixel_cross_entropy"]
