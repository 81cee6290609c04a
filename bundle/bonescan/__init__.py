"""Bone scan bundle: read, simulate, segment and measure planar whole-body bone scans with MONAI."""

__version__ = "0.1.0"
