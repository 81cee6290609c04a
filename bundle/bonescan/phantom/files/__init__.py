"""What a simulated patient leaves on disk."""
