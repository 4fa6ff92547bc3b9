"""Choices that some controls offer: the LoRA for a kind of motion, the mask of motion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from .registry import families_with
from .track_model import MotionLoraControl, MotionMaskControl, TrackModel


def with_motion(
    model: TrackModel, motion: str | None = "object", lora_strength: float = 1.0
) -> TrackModel:
    """A model under another LoRA for the kind of motion that its tracks mean.

    Args:
        model: Of a family with the trait "motion_lora".
        motion: One of model.adapters, or None for no LoRA.
        lora_strength: Factor on the LoRA, 1 as trained.

    Raises:
        ValueError: For a model without such LoRA, and what its control raises.
    """
    if not isinstance(model.control, MotionLoraControl):
        raise ValueError(
            f"{model.family} has no LoRA for the motion of objects and of the camera. Choose "
            f"{' or '.join(families_with('motion_lora'))} in Load Track Model."
        )
    return replace(model, control=model.control.with_motion(motion, lora_strength))


def with_mask(model: TrackModel, rule: Any = "moving", brush: Tensor | None = None) -> TrackModel:
    """A model that reads another mask of where motion is expected.

    Args:
        model: Of a family with the trait "motion_mask".
        rule: How the tracks make the mask; see svd.condition.MaskRule.
        brush: (H, W) bool, added to that mask, on a canvas of the picture's proportions.

    Raises:
        ValueError: For a model that reads no such mask, and what its control raises.
    """
    if not isinstance(model.control, MotionMaskControl):
        raise ValueError(
            f"{model.family} reads no motion mask. Choose "
            f"{' or '.join(families_with('motion_mask'))} in Load Track Model, or connect the mask "
            "to movable of Track Sampler."
        )
    return replace(model, control=model.control.with_mask(rule, brush))
