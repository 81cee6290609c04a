"""Studies of the software itself: published tables run again, and its cost."""
