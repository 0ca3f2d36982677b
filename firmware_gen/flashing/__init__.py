"""Writes an image to a real device: chooses a flasher of its board, and runs it."""
