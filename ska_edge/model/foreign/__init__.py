"""Reads networks in ONNX files of other programs, and folds them into layers of ska-edge."""
