"""Losses on times until something happens, of which some are only known to be longer."""
