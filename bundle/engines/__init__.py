"""Ignite handlers and trainers that MONAI lacks."""
