"""Records what a board prints: finds rows of numbers, times them, and writes a file for each."""
