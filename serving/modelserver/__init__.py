"""A model server that speaks TensorFlow Serving's gRPC and REST APIs; `python -m serving.server` starts it."""
