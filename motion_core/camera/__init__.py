"""Cameras: pinhole paths, named moves, reprojection of depth into tracks and renders."""
