"""A physics-based simulator of planar whole-body bone scans. No torch here."""
