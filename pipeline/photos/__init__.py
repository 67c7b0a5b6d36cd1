"""Photos: reading, fingerprints, duplicates, quality, sides, intake and the photo generator; no TensorFlow."""
