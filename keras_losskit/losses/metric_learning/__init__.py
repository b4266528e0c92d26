"""Losses on embeddings whose classes are known."""
