"""How several predictions of a model become one."""

from __future__ import annotations

from .linear import camera_free, no_guidance, text_and_motion_guidance, text_guidance

__all__ = ["camera_free", "no_guidance", "text_and_motion_guidance", "text_guidance"]
