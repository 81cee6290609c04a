"""Pixel and lesion metrics."""
