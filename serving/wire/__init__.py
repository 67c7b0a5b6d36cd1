"""Messages of TensorFlow Serving's gRPC API, readable and writable without TensorFlow."""
