"""Every layout that tracks have outside this project, in and out, and only here."""

from __future__ import annotations

from .control_video import discs, ltx_frame_count, ltx_trails
from .coordinates import parse_coordinates, to_coordinates
from .host import from_host, to_host
from .pairs import parse_pairs, to_pairs
from .registry import FORMATS, TrackFormat, format_names, read_tracks, write_tracks

__all__ = [
    "FORMATS",
    "TrackFormat",
    "discs",
    "format_names",
    "from_host",
    "ltx_frame_count",
    "ltx_trails",
    "parse_coordinates",
    "parse_pairs",
    "read_tracks",
    "to_coordinates",
    "to_host",
    "to_pairs",
    "write_tracks",
]
