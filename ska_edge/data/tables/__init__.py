"""Decides which columns of a table are inputs, targets, labels or groups, or are doubtful."""
