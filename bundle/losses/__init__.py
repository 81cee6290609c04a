"""Loss functions that MONAI lacks."""

from bundle.losses.cross_entropy import PixelCrossEntropy, pixel_cross_entropy
from bundle.losses.overlap import BothOutputsLoss, FocalTverskyLoss

__all__ = ["BothOutputsLoss", "FocalTverskyLoss", "PixelCrossEntropy", "pixel_cross_entropy"]
