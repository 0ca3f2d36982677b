"""Reads the data sets that come with other packages."""
