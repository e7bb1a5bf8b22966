"""A trained model as a file: a small document for `holdfast predict`, or ONNX for other programs."""
