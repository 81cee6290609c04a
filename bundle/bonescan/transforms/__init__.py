"""Transforms of bone scans, for MONAI's transform chains."""

from bonescan.transforms.augment import RandShiftRotated, RandThinCounts, RandThinCountsd
from bonescan.transforms.body_labels import JoinBodyLabeld, OtsuBody, OtsuBodyd
from bonescan.transforms.file_volume import FileVolumed, LoadDrawnd
from bonescan.transforms.foci import JoinFocid, PartRegionsd
from bonescan.transforms.instances import SplitInstancesd, find_instances
from bonescan.transforms.intensity import (
    NormalizeBrightness,
    NormalizeBrightnessd,
    ScalePercentile,
    ScalePercentiled,
    ScaleRoot,
    ScaleRootd,
)
from bonescan.transforms.label_values import CheckLabelGridd, CheckLabelValuesd, FillLabeld
from bonescan.transforms.mirror import MirrorPosterior, MirrorPosteriord
from bonescan.transforms.missing_views import FillViewsd, KeepShownViewsd, RandDropViewd
from bonescan.transforms.operating_point import CalibrateProbd, LesionProbd, OperatingPointd
from bonescan.transforms.oracle_threshold import OracleThresholdd
from bonescan.transforms.panels import Panelsd
from bonescan.transforms.patches import RandPatchd
from bonescan.transforms.pixel_size import JoinPixelsd, ResizeViewsd
from bonescan.transforms.region_bits import PackRegionsd
from bonescan.transforms.regions import RandFlipSidesd, RegionBitsd, RegionChannelsd
from bonescan.transforms.side_by_side import BodyWindow, BodyWindowd, SideBySide, SideBySided
from bonescan.transforms.sites import SiteBitsd
from bonescan.transforms.sub_images import LabelBitsd, SplitSubImagesd, SubImagesd
from bonescan.transforms.thorax import ThoraxCrop, ThoraxCropd
from bonescan.transforms.unpack import Unpackd
from bonescan.transforms.views import (
    AggregateViews,
    AggregateViewsd,
    SplitViewsd,
    StackViewsd,
    UniteLabelsd,
)
from bonescan.transforms.z_score import CropZScored

__all__ = [
    "AggregateViews",
    "AggregateViewsd",
    "BodyWindow",
    "BodyWindowd",
    "CalibrateProbd",
    "CheckLabelGridd",
    "CheckLabelValuesd",
    "CropZScored",
    "FileVolumed",
    "FillLabeld",
    "FillViewsd",
    "JoinBodyLabeld",
    "JoinFocid",
    "JoinPixelsd",
    "KeepShownViewsd",
    "LabelBitsd",
    "LesionProbd",
    "LoadDrawnd",
    "MirrorPosterior",
    "MirrorPosteriord",
    "NormalizeBrightness",
    "NormalizeBrightnessd",
    "OperatingPointd",
    "OracleThresholdd",
    "OtsuBody",
    "OtsuBodyd",
    "PackRegionsd",
    "Panelsd",
    "PartRegionsd",
    "RandDropViewd",
    "RandFlipSidesd",
    "RandPatchd",
    "RandShiftRotated",
    "RandThinCounts",
    "RandThinCountsd",
    "RegionBitsd",
    "RegionChannelsd",
    "ResizeViewsd",
    "ScalePercentile",
    "ScalePercentiled",
    "ScaleRoot",
    "ScaleRootd",
    "SideBySide",
    "SideBySided",
    "SiteBitsd",
    "SplitInstancesd",
    "SplitSubImagesd",
    "SplitViewsd",
    "StackViewsd",
    "SubImagesd",
    "ThoraxCrop",
    "ThoraxCropd",
    "UniteLabelsd",
    "Unpackd",
    "find_instances",
]
