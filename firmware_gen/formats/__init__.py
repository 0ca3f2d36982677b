"""Reads an image, and writes it in the formats of the programs and boot loaders that flash it."""
