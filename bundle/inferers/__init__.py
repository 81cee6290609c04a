"""Inferers for scans of several views."""

from bundle.inferers.views import PerViewInferer

__all__ = ["PerViewInferer"]
