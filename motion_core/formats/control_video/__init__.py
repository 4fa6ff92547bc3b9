"""Tracks drawn as the pictures that video models take for motion control."""

from __future__ import annotations

from .discs import discs
from .ltx import ltx_frame_count, ltx_trails

__all__ = ["discs", "ltx_frame_count", "ltx_trails"]
