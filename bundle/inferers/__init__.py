"""Inferers for scans of several views."""

from bundle.inferers.instances import InstanceInferer
from bundle.inferers.side_by_side import SideBySideInferer
from bundle.inferers.views import PerViewInferer

__all__ = ["InstanceInferer", "PerViewInferer", "SideBySideInferer"]
