"""The learning rule: once on `Fixed` values, once in floating point as the reference."""
