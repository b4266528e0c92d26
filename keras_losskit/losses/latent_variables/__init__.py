"""Losses on the latent variables of generative models."""
