"""The explanation sidecar: photos in over HTTP, classes and heat maps out; no TensorFlow."""
