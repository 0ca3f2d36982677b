"""Measures a training: the metrics of layers, ranges, and signs that it goes wrong."""
