"""Points followed through time, and the algebra on them: pure functions of frozen values."""

from __future__ import annotations

from .model import Tracks, empty_tracks, make_tracks
from .seeding import (
    disc_points,
    grid_points,
    mask_points,
    points_inside_polygon,
    polygon_points,
    static_tracks,
)
from .select import concat, select, select_farthest, select_ids, select_random
from .visibility import hide_outside, inside_canvas, show_only

__all__ = [
    "Tracks",
    "concat",
    "disc_points",
    "empty_tracks",
    "grid_points",
    "hide_outside",
    "inside_canvas",
    "make_tracks",
    "mask_points",
    "points_inside_polygon",
    "polygon_points",
    "select",
    "select_farthest",
    "select_ids",
    "select_random",
    "show_only",
    "static_tracks",
]
