"""Writes the C files that depend on a model or the protocol, and the tables of docs/PROTOCOL.md."""
