"""The part of the Python API that has no other home: train, load, connect, Device and Classifier.

`ska_edge/__init__.py` lists all public names.
"""
