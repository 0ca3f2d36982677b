"""The Python API that has no other home: train, load, connect, Device, Classifier and Regressor.

`ska_edge/__init__.py` lists all public names.
"""
