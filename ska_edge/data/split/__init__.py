"""Divides rows into those to learn and those held out for a test."""
