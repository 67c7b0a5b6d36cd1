"""The review page: a person settles copies, scenes, doubtful photos and labels, and saves the decisions."""
