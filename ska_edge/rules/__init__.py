"""The learning rules, on `Fixed` values, and in floating point as the reference."""
