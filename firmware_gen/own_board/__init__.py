"""Starts a board outside the package: a folder that is a copy of a board, with a README."""
