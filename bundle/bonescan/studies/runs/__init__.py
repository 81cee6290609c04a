"""Trained runs beside each other: what their folders hold, on one page."""
