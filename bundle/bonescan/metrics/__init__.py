"""Pixel and lesion metrics."""

from bonescan.metrics.handlers import PooledDice

__all__ = ["PooledDice"]
