"""Segmentation networks, one family a file."""
