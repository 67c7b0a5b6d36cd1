"""Intake: photos that people bring, or that lie elsewhere, become batches below `data/`; no TensorFlow."""
