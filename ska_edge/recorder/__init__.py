"""Records what a board prints: finds rows of numbers, times the rows, and writes recordings."""
