"""A run: from names to a scored, written folder, and back."""
