"""Trains over lists of options: the grid, the pool of workers, the records and the table."""
