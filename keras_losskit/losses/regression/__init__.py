"""Losses between real targets and predictions, mostly elementwise."""
