"""Trained systems as bundles of MONAI's model zoo: packed, checked, unpacked."""
