"""Pixel and lesion metrics."""

from bonescan.metrics.handlers import BitsAuc, PooledDice

__all__ = ["BitsAuc", "PooledDice"]
