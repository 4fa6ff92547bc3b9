"""Combination of a model's predictions, and guidance of the latents."""

from __future__ import annotations

from .linear import camera_free, no_guidance, text_and_motion_guidance, text_guidance
from .plan import GuidancePlan

__all__ = [
    "GuidancePlan",
    "camera_free",
    "no_guidance",
    "text_and_motion_guidance",
    "text_guidance",
]
