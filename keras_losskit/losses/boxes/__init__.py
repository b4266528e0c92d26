"""Losses of object detection: boxes, their quality, distance bins and centre heat maps."""
