"""Common image corruptions: a batch of uint8 images in, the corrupted batch out."""
