"""Losses on pairs of answers, of which one was preferred."""
