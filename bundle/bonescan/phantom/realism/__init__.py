"""How far simulated scans look like real ones."""
