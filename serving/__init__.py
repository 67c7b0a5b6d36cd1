"""Answering: model server, explanation sidecar, client and the contract between training and serving."""
