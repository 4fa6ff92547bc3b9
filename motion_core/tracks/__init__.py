"""Points followed through time, and the algebra on them: pure functions of frozen values."""

from __future__ import annotations

from .canvas import crop, fit, flip, pad, scale_to, transform
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
from .smooth import smooth_time
from .statistics import TrackSummary, summarize
from .time import cut, ease, hold, loop, resample, reverse, shift
from .visibility import hide_outside, inside_canvas
from .windows import Window, join_frames, plan_windows, tracks_in_window

__all__ = [
    "TrackSummary",
    "Tracks",
    "Window",
    "concat",
    "crop",
    "cut",
    "disc_points",
    "ease",
    "empty_tracks",
    "fit",
    "flip",
    "grid_points",
    "hide_outside",
    "hold",
    "inside_canvas",
    "join_frames",
    "loop",
    "make_tracks",
    "mask_points",
    "pad",
    "plan_windows",
    "points_inside_polygon",
    "polygon_points",
    "resample",
    "reverse",
    "scale_to",
    "select",
    "select_farthest",
    "select_ids",
    "select_random",
    "shift",
    "smooth_time",
    "static_tracks",
    "summarize",
    "tracks_in_window",
    "transform",
]
