"""Losses of image registration: how well two pictures match, and how smooth a field is."""
