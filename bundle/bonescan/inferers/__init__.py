"""Inferers for scans of several views."""

from bonescan.inferers.instances import InstanceInferer
from bonescan.inferers.per_view import PerViewInferer
from bonescan.inferers.side_by_side import SideBySideInferer

__all__ = ["InstanceInferer", "PerViewInferer", "SideBySideInferer"]
