"""Losses of a generator against a critic."""
