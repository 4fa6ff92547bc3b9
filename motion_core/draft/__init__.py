"""Draft: the picture moved along its tracks at once, without a model."""

from __future__ import annotations

from .completion import COMPLETIONS
from .stage import draft, draft_frames

__all__ = ["COMPLETIONS", "draft", "draft_frames"]
