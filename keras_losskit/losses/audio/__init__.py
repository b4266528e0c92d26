"""Losses on sound: spectra, levels of distortion, sources in any order."""
