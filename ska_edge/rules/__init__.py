"""The learning rules, written on `Fixed` values, and in floating point as the reference."""
