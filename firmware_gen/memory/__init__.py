"""Measures the flash, RAM and stack of an image, and predicts the RAM before a build."""
