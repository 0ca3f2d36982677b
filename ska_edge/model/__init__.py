"""Defines models, which are plans with learned integers: the model file, input scaling, ONNX."""
