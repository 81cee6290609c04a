"""From activity to counts: camera, movement, and the truth that each view shows."""
