"""Networks in ONNX files of other programs: reads their graphs, and makes layers of ska-edge."""
