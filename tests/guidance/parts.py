"""Small models whose features can be read, and pictures for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from motion_core.geometry import Size
from motion_core.guidance.moft import MotionChannels, MotionReference, Probe
from motion_core.guidance.moft.features import fingerprint
from motion_core.models.protocols import FeatureTraits, GenerationRequest, SharedKeys
from motion_core.progress import Progress, silent
from motion_core.tracks.model import Tracks, empty_tracks

SIZE, FRAMES, GRID = Size(8, 8), 4, 8
PROBE = Probe(grid=GRID, steps=4, stored=2)


@dataclass(frozen=True, eq=False)
class Condition:
    request: GenerationRequest
    progress: Progress = silent


class Layer(nn.Module):
    """Features that are a smooth function of latents (1, 3, T, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.mix = nn.Parameter(torch.randn(6, 3, generator=generator).double())

    def forward(self, latents: Tensor) -> Tensor:
        return torch.einsum("dc,bcthw->btdhw", self.mix.to(latents), latents)[0].sin()


@dataclass
class Toy:
    """A FeatureTap whose features are computed above. Its latents are pixels."""

    layer: Layer = field(default_factory=Layer)
    is_eulerian: bool = True
    shares_attention: bool = False
    passes: list[str] = field(default_factory=list)

    @property
    def traits(self) -> FeatureTraits:
        return FeatureTraits(("middle",), 1, self.layer, self.is_eulerian, self.shares_attention)

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> Condition:
        return Condition(request, progress)

    def scheduler(self) -> Any:
        from diffusers.schedulers.scheduling_ddim import DDIMScheduler

        return DDIMScheduler(clip_sample=False, steps_offset=1)

    def inverse_scheduler(self) -> Any:
        from diffusers.schedulers.scheduling_ddim_inverse import DDIMInverseScheduler

        return DDIMInverseScheduler(clip_sample=False, steps_offset=1)

    def features(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: Condition,
        layer: str,
        keys: SharedKeys | None = None,
    ) -> Tensor:
        self.passes.append("free" if keys and not keys.is_replaying else "guided")
        return self.layer(latents)

    def predict(
        self, latents: Tensor, timestep: Tensor, condition: Condition, calls: Any
    ) -> list[Tensor]:
        return [torch.zeros_like(latents) for _ in calls]

    def encode_video(
        self, video: Tensor, condition: Condition, follow: Callable[[], Tracks]
    ) -> Tensor:
        return video.permute(3, 0, 1, 2)[None] * 2 - 1

    def frames_of(self, latents: Tensor) -> Tensor:
        return torch.arange(latents.shape[2]).view(1, 1, -1, 1, 1)


def request(frames: int = FRAMES, size: Size = SIZE) -> GenerationRequest:
    image = torch.rand(size.height, size.width, 3, generator=torch.Generator().manual_seed(1))
    return GenerationRequest(image, frames)


def latents(seed: int = 0, frames: int = FRAMES) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 3, frames, 8, 8, generator=generator)


def reference(toy: Toy, index: tuple[int, ...] = (1, 4), frames: int = FRAMES) -> MotionReference:
    """A wish for two of the toy's six channels."""
    count = len(index)
    course = torch.randn(frames, count, generator=torch.Generator().manual_seed(9)) * 0.3
    course = course - course.mean(dim=0)
    return MotionReference(course, channels(toy, index, frames), PROBE)


def channels(toy: Any, index: tuple[int, ...] = (1, 4), frames: int = FRAMES) -> MotionChannels:
    count = len(index)
    line = torch.linspace(-1, 1, frames)[:, None].expand(-1, count)
    traits = toy.traits
    return MotionChannels(
        index=torch.tensor(index),
        still=torch.zeros(frames, count),
        curves=torch.stack([line, -2 * line]),
        least=torch.full((count,), -3.0),
        most=torch.full((count,), 3.0),
        reach_frac=0.25,
        layer=traits.layers[0],
        weights=fingerprint(traits.weights),
    )


def no_tracks(frames: int = FRAMES, size: Size = SIZE) -> Tracks:
    return empty_tracks(frames, size)


def zero_prediction(latents: Tensor) -> Tensor:
    return torch.zeros_like(latents)
