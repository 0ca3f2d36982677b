"""Boards without hardware: emulators, and boards that are started and stopped."""
