"""One module per stage of dvc.yaml: typed inputs to a typed result."""
