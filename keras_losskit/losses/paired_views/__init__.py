"""Losses on two views of the same samples, without labels."""
