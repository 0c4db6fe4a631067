"""Recipes, augmentations and the training loop."""
