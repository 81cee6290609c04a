"""From activity to counts: camera, movement, and what of the truth a view shows."""
