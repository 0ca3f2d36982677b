"""A plan with its learned integers: the model file, input scaling, ONNX."""
