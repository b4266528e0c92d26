"""Losses whose predictions are distributions: their parameters, or samples of them."""
