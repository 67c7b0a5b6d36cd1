"""From photo batches to a served and explained model."""
