"""Emulators, and the commands that start and stop emulated boards."""
