"""Losses of image restoration: what a picture, or a volume, should look like."""
