"""Labeled data: built-in data sets, files and arrays."""
