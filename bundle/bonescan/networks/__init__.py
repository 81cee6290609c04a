"""Networks, one family a file."""

from bonescan.networks.atrous import DenseAtrous
from bonescan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from bonescan.networks.double_unet import DoubleUNet
from bonescan.networks.dual_pooling import DualPool, DualPoolUNet, ResidualMultiPool
from bonescan.networks.kmeans import KMeansSegmenter
from bonescan.networks.mask_rcnn import MaskRCNN, SpatialAttention
from bonescan.networks.recurrent import AggregatingExtractor, RecurrentExtractor
from bonescan.networks.unet import UNet, UNetRes

__all__ = [
    "AggregatingExtractor",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DenseAtrous",
    "DoubleUNet",
    "DualPool",
    "DualPoolUNet",
    "KMeansSegmenter",
    "MaskRCNN",
    "RecurrentExtractor",
    "ResidualMultiPool",
    "SpatialAttention",
    "UNet",
    "UNetRes",
]
