"""Finds and opens serial ports, and explains why a port does not open."""
