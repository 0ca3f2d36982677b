"""Defines the parts of the Python API that have no other home, such as train, load and connect.

`ska_edge/__init__.py` lists all public names.
"""
