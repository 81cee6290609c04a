"""Inferers for scans of several views."""
