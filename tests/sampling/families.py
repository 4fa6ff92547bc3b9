"""A family small enough to be solved on paper: every latent is Gaussian, N(mean, spread^2).

Along x_t = (1 - t) x_0 + t noise the exact prediction is known, and so is where the probability
flow carries a noise: to mean + spread * noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from motion_core.models.protocols import Branch, ControlOutput, GenerationRequest, GenerationResult
from motion_core.progress import Progress, silent
from motion_core.tracks.model import Tracks

SPREAD = 0.5


@dataclass(frozen=True, eq=False)
class Shift:
    """Residuals: how far the mean is moved."""

    by: Tensor

    def scaled(self, strength: float) -> Shift:
        return Shift(self.by * strength)


@dataclass
class GaussianFamily:
    """A VideoModel whose latents are (T,) and whose frames are as bright as they are."""

    calls: list[list[tuple[Branch, ControlOutput | None]]] = field(default_factory=list)

    def scheduler(self) -> Any:
        from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
            FlowMatchEulerDiscreteScheduler,
        )

        return FlowMatchEulerDiscreteScheduler(shift=1.0)

    def condition(
        self, request: GenerationRequest, progress: Progress = silent
    ) -> GenerationRequest:
        return request

    def noise(self, condition: GenerationRequest, generator: torch.Generator) -> Tensor:
        return torch.randn(condition.frames, generator=generator)

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: GenerationRequest,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        self.calls.append(list(calls))
        return [self.velocity(latents, timestep / 1000.0, *call) for call in calls]

    def velocity(
        self, x: Tensor, t: Tensor, branch: Branch, residuals: ControlOutput | None
    ) -> Tensor:
        """E[noise - x_0 | x_t] of the Gaussian; words add one to the mean."""
        mean = torch.full_like(x, 0.0 if branch.text else -1.0)
        if isinstance(residuals, Shift):
            mean = mean + residuals.by
        variance = ((1 - t) * SPREAD) ** 2 + t**2
        off = x - (1 - t) * mean
        x0 = mean + (1 - t) * SPREAD**2 / variance * off
        noise = t / variance * off
        return noise - x0

    def preview(self, latents: Tensor, condition: GenerationRequest) -> Tensor:
        return latents.mean().expand(2, 2, 3)

    def decode(
        self,
        latents: Tensor,
        condition: GenerationRequest,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        height, width = condition.image.shape[:2]
        frames = latents[:, None, None, None].expand(-1, height, width, 3)
        return GenerationResult(frames, tracks=tracks)


@dataclass
class ShiftControl:
    """A TrackControl that moves the mean by how far the tracks went, weighted."""

    prepared: int = 0

    def prepare(self, tracks: Tracks, weights: Tensor, condition: GenerationRequest) -> Tensor:
        self.prepared += 1
        return ((tracks.xy[-1] - tracks.xy[0])[:, 0] * weights).mean()

    def residuals(
        self, prepared: Tensor, latents: Tensor, timestep: Tensor, condition: GenerationRequest
    ) -> Shift:
        return Shift(prepared)
