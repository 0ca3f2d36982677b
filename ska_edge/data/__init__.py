"""Loads labeled data: built-in data sets, files and arrays."""
