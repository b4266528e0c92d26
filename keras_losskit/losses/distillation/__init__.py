"""Losses that train a student on a teacher."""
