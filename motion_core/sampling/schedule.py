"""When and how strongly control acts, and how much each track counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..tracks.model import Tracks


@dataclass(frozen=True)
class ControlSchedule:
    """When and how strongly control acts over a run.

    Attributes:
        strength: Factor on what the control adds; 0 is off, 1 as trained.
        start_frac, end_frac: The part of the steps in which control acts; step i of n is at i / n,
            and the end is exclusive.
        by_visibility: Tracks visible in few frames count less; see track_weights.

    Raises:
        ValueError: For values out of range.
    """

    strength: float = 1.0
    start_frac: float = 0.0
    end_frac: float = 1.0
    by_visibility: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.strength) and 0.0 <= self.strength <= 10.0):
            raise ValueError(f"control strength must be 0..10; got {self.strength}.")
        if not 0.0 <= self.start_frac <= self.end_frac <= 1.0:
            raise ValueError(
                "control must start and end within 0..1, start first; got "
                f"{self.start_frac}..{self.end_frac}."
            )

    def at(self, step: int, steps: int) -> float:
        """The strength at one step of a run; 0 outside the window."""
        return self.strength if self.start_frac <= step / steps < self.end_frac else 0.0


def track_weights(tracks: Tracks, *, by_visibility: bool) -> Tensor:
    """(N,) float 0..1, how much each track counts: 1, or the fraction of frames it is visible in.

    A tracker loses points that it is unsure of, so a track that is rarely visible is less reliable.
    """
    if not by_visibility:
        return torch.ones(tracks.num_points, device=tracks.device)
    return tracks.visible.float().sum(0) / max(tracks.num_frames, 1)
