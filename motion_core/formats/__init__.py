"""Every layout that tracks have outside this project, in and out, and only here."""

from __future__ import annotations

from .host import from_host, to_host
from .registry import format_names, read_tracks, write_tracks

__all__ = ["format_names", "from_host", "read_tracks", "to_host", "write_tracks"]
