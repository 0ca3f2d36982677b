"""Writes the C files that depend on a model or on the protocol, and the tables of docs/PROTOCOL.md.
"""
