"""Re-noise refinement of camera moves (WorldForge, CVPR 2026)."""

from __future__ import annotations

from .refine import (
    RefineSettings,
    Render,
    kept_channels,
    refined,
    replacing,
    soft_edges,
)

__all__ = ["RefineSettings", "Render", "kept_channels", "refined", "replacing", "soft_edges"]
