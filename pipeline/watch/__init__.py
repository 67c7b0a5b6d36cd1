"""Watch: whether photos that are asked about are still those that a model was trained for."""
