"""Findings, overlays and tables."""
