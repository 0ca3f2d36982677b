"""Reads one kind of file per module, as a table or as arrays."""
