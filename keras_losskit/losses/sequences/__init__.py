"""Losses between sequences that are not aligned."""
