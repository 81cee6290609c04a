"""Transforms of bone scans, for MONAI's transform chains."""

from bundle.transforms.augment import RandShiftRotated, RandThinCounts, RandThinCountsd
from bundle.transforms.intensity import (
    NormalizeBrightness,
    NormalizeBrightnessd,
    ScalePercentile,
    ScalePercentiled,
    SquareRoot,
    SquareRootd,
)
from bundle.transforms.mirror import MirrorPosterior, MirrorPosteriord
from bundle.transforms.thorax import ThoraxCrop, ThoraxCropd
from bundle.transforms.views import AggregateViews, AggregateViewsd, SplitViewsd

__all__ = [
    "AggregateViews",
    "AggregateViewsd",
    "MirrorPosterior",
    "MirrorPosteriord",
    "NormalizeBrightness",
    "NormalizeBrightnessd",
    "RandShiftRotated",
    "RandThinCounts",
    "RandThinCountsd",
    "ScalePercentile",
    "ScalePercentiled",
    "SplitViewsd",
    "SquareRoot",
    "SquareRootd",
    "ThoraxCrop",
    "ThoraxCropd",
]
