"""Predict: ask a served model about a folder of photos, and lay the answers out for people."""
