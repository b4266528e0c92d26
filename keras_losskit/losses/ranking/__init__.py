"""Losses between the relevance of the items of a list and their scores."""
