"""The report of a run: one page on what came in, what was made of it, how good it is and whether it may serve."""
