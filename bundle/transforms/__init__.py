"""Transforms of bone scans, for MONAI's transform chains."""

from bundle.transforms.augment import RandShiftRotated, RandThinCounts, RandThinCountsd
from bundle.transforms.best_threshold import BestThresholdd
from bundle.transforms.instances import SplitInstancesd, find_instances
from bundle.transforms.intensity import (
    NormalizeBrightness,
    NormalizeBrightnessd,
    ScalePercentile,
    ScalePercentiled,
    SquareRoot,
    SquareRootd,
)
from bundle.transforms.labels import KnownLabelsd
from bundle.transforms.mirror import MirrorPosterior, MirrorPosteriord
from bundle.transforms.side_by_side import BodyWindow, BodyWindowd, SideBySide, SideBySided
from bundle.transforms.thorax import ThoraxCrop, ThoraxCropd
from bundle.transforms.three_class import JoinBodyLabeld, OtsuBody, OtsuBodyd
from bundle.transforms.views import AggregateViews, AggregateViewsd, SplitViewsd

__all__ = [
    "AggregateViews",
    "AggregateViewsd",
    "BestThresholdd",
    "BodyWindow",
    "BodyWindowd",
    "JoinBodyLabeld",
    "KnownLabelsd",
    "MirrorPosterior",
    "MirrorPosteriord",
    "NormalizeBrightness",
    "NormalizeBrightnessd",
    "OtsuBody",
    "OtsuBodyd",
    "RandShiftRotated",
    "RandThinCounts",
    "RandThinCountsd",
    "ScalePercentile",
    "ScalePercentiled",
    "SideBySide",
    "SideBySided",
    "SplitInstancesd",
    "SplitViewsd",
    "SquareRoot",
    "SquareRootd",
    "ThoraxCrop",
    "ThoraxCropd",
    "find_instances",
]
