"""Point trackers behind one protocol: Lucas-Kanade, dense flow, adapters for learned trackers."""

from __future__ import annotations

from .chain import ChainSettings, chain_tracks
from .clip import Clip, FileClip, MemoryClip, as_clip, first_frames
from .lucas_kanade import LucasKanade
from .queries import grid_queries, mask_queries, point_queries, random_queries, track_queries
from .registry import KINDS, TrackerKind, make_tracker
from .tracker import Tracker, TrackingStopped

__all__ = [
    "KINDS",
    "ChainSettings",
    "Clip",
    "FileClip",
    "LucasKanade",
    "MemoryClip",
    "Tracker",
    "TrackerKind",
    "TrackingStopped",
    "as_clip",
    "chain_tracks",
    "first_frames",
    "grid_queries",
    "make_tracker",
    "mask_queries",
    "point_queries",
    "random_queries",
    "track_queries",
]
