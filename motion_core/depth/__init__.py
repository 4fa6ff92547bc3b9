"""Depth maps, their sources and estimators, and synthetic geometries that need no depth."""
