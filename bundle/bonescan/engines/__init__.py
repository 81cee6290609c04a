"""Ignite engines that MONAI lacks, and the hooks of those that it has."""
