"""Maps that show the grounds of an answer."""
