"""What the software costs in time and memory, as ratios to the bare minimum where one exists."""
