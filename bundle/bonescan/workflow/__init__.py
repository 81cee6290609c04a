"""A command line composed, checked, launched and recorded."""
