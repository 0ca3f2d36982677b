"""Networks in ONNX files of other programs: reads their graphs, and folds them into our layers."""
