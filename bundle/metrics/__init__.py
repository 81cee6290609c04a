"""Pixel and lesion metrics."""

from bundle.metrics.handlers import PooledDice

__all__ = ["PooledDice"]
