"""Depth maps: what they are, where they come from, and geometries that need none."""
