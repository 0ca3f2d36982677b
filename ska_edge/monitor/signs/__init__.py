"""Finds signs that a device forgets, or that its data drift."""
