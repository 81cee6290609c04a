"""Loss functions that MONAI lacks."""

from bundle.losses.cross_entropy import PixelCrossEntropy, pixel_cross_entropy

__all__ = ["PixelCrossEntropy", "pixel_cross_entropy"]
