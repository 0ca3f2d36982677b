"""Measures the memory use of an image: flash, RAM, and the bound of its stack."""
