"""Photos: reading, fingerprints, duplicates, quality, sides and the photo generator; no TensorFlow."""
