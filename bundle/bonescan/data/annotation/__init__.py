"""Outlines that people draw: LabelMe files, annotators, consensus."""
