"""Defines the learning rules on `Fixed` values, and in floating point as a reference."""
