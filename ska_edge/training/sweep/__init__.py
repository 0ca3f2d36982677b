"""Many trainings over lists of options: the grid, the pool that does the work, runs and table."""
