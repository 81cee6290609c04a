"""Programs that make data sets from data sets."""
