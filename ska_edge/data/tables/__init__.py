"""Decides what the columns of a table are: inputs, labels, groups, or doubtful ones."""
