"""Networks, one family a file."""

from bonescan.networks.atrous import DenseAtrous
from bonescan.networks.both_views import BothViewsUNet
from bonescan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from bonescan.networks.double_unet import DoubleUNet
from bonescan.networks.dual_pooling import DualPool, DualPoolUNet, ResidualMultiPool
from bonescan.networks.kmeans import KMeansSegmenter
from bonescan.networks.liu_unet import LeakyUNetRes, LocationNet
from bonescan.networks.mask_rcnn import MaskRCNN, SpatialAttention
from bonescan.networks.recurrent import AggregatingExtractor, RecurrentExtractor
from bonescan.networks.resnet34 import ResNet34
from bonescan.networks.unet import UNet, UNetRes

__all__ = [
    "AggregatingExtractor",
    "BothViewsUNet",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DenseAtrous",
    "DoubleUNet",
    "DualPool",
    "DualPoolUNet",
    "KMeansSegmenter",
    "LeakyUNetRes",
    "LocationNet",
    "MaskRCNN",
    "RecurrentExtractor",
    "ResNet34",
    "ResidualMultiPool",
    "SpatialAttention",
    "UNet",
    "UNetRes",
]
