"""Published tables run again: grids of ordinary bundle runs, gathered into one page each."""
