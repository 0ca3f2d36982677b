"""Writes an image in the formats of the programs and boot loaders that flash it."""
