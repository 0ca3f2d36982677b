"""Measures instructions and memory of a plan on a board."""
