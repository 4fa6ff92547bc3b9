"""Rasteriser: every fast path against the plain loop that defines it."""
