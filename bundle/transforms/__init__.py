"""MONAI transforms for planar scans, one family a file."""
