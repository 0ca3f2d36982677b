"""Reads what sensors recorded, checks it, and cuts it into windows."""
