"""Losses between class labels and probabilities or logits."""
