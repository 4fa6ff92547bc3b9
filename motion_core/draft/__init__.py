"""Draft: an instant preview of motion, the picture moved along its tracks."""

from __future__ import annotations

from .video import LAYERED, LAYERS, METHODS, draft, draft_frames

__all__ = ["LAYERED", "LAYERS", "METHODS", "draft", "draft_frames"]
