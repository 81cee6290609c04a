"""Segmentation networks, one family a file."""

from bundle.networks.atrous import DenseAtrous
from bundle.networks.double_unet import DoubleUNet
from bundle.networks.dual_pooling import DualPool, DualPoolUNet, ResidualMultiPool
from bundle.networks.kmeans import KMeansSegmenter
from bundle.networks.mask_rcnn import MaskRCNN, SpatialAttention
from bundle.networks.unet import UNet, UNetRes

__all__ = [
    "DenseAtrous",
    "DoubleUNet",
    "DualPool",
    "DualPoolUNet",
    "KMeansSegmenter",
    "MaskRCNN",
    "ResidualMultiPool",
    "SpatialAttention",
    "UNet",
    "UNetRes",
]
