"""Warped noise: white noise that follows the motion of a clip (Go-with-the-Flow, CVPR 2025)."""

from __future__ import annotations

from .field_flow import flows_of_field
from .latent_noise import (
    FieldMotion,
    MotionSource,
    NoiseSettings,
    VideoMotion,
    latent_noise,
    mixed_noise,
    white_noise,
)
from .noise import NoiseGrid, degraded, warped_noise
from .step_flow import StepFlow, step_flow
from .video_flow import flows_of_video

__all__ = [
    "FieldMotion",
    "MotionSource",
    "NoiseGrid",
    "NoiseSettings",
    "StepFlow",
    "VideoMotion",
    "degraded",
    "flows_of_field",
    "flows_of_video",
    "latent_noise",
    "mixed_noise",
    "step_flow",
    "warped_noise",
    "white_noise",
]
