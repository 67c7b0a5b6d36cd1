"""Automation: the clones in which batches are taken in and models retrained, beside the checkout that people use."""
