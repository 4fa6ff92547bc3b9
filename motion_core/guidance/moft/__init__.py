"""MOFT: motion read from a video model's own features, and guided by their gradient.

Xiao et al., "Video Diffusion Models are Training-free Motion Interpreter and Controller"
(NeurIPS 2024). A feature less its mean over frames is mostly motion, and a few channels contain
most of it.
"""

from __future__ import annotations

from .channels import MotionChannels, learn_channels, motion_channels
from .drag import DragSettings, MoftDragGuidance
from .features import Probe, content_removed
from .latent_guidance import MoftLatentGuidance, MoftSettings
from .reference import MotionReference, reference_along, reference_of_video, straight_path
from .similarity import heat_picture, similarity

__all__ = [
    "DragSettings",
    "MoftDragGuidance",
    "MoftSettings",
    "MoftLatentGuidance",
    "MotionChannels",
    "MotionReference",
    "Probe",
    "content_removed",
    "heat_picture",
    "learn_channels",
    "motion_channels",
    "reference_along",
    "reference_of_video",
    "similarity",
    "straight_path",
]
