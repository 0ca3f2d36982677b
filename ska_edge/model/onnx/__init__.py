"""The ONNX files of a model: written in two forms, and read back."""
