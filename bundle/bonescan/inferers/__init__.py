"""Inferers for scans of several views, and for several networks."""

from bonescan.inferers.all_views import AllViewsInferer
from bonescan.inferers.autocast import AutocastInferer
from bonescan.inferers.both_views import BothViewsInferer
from bonescan.inferers.ensemble import EnsembleInferer
from bonescan.inferers.instances import InstanceInferer
from bonescan.inferers.patches import PatchInferer
from bonescan.inferers.per_view import PerViewInferer
from bonescan.inferers.side_by_side import SideBySideInferer
from bonescan.inferers.stepwise import StepwiseInferer
from bonescan.inferers.sub_images import SubImageClassInferer, SubImageInferer

__all__ = [
    "AllViewsInferer",
    "AutocastInferer",
    "BothViewsInferer",
    "EnsembleInferer",
    "InstanceInferer",
    "PatchInferer",
    "PerViewInferer",
    "SideBySideInferer",
    "StepwiseInferer",
    "SubImageClassInferer",
    "SubImageInferer",
]
