"""The names in a model's C: their prefix, and the names that something else in a program has."""
