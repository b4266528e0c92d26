"""Losses between sets of points, by how far one is from the other."""
