"""Segmentation networks, one family a file."""

from bundle.networks.unet import UNet, UNetRes

__all__ = ["UNet", "UNetRes"]
