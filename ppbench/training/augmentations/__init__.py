"""Augmentations of batches of training images, each a pure function of the seed, the step and the image's id."""
