"""Chooses how an image gets to a real device."""
