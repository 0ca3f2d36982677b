"""Trains with every combination of lists of options, and compares the results."""
