"""The SavedModel, its signatures, manifest and warm-up."""
