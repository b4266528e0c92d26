"""Losses between label maps and predicted maps, by overlap and by boundary."""
