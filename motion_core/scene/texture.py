"""Solid textures: a colour for every point of a body, so the texture moves with the surface."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

WAVES_PER_OCTAVE = 5
OCTAVES = 3


@dataclass(frozen=True, eq=False)
class Texture:
    """Marbled stripes between colours of one palette.

    Attributes:
        waves: (K, 3) cycles per scene unit.
        phases: (K,) radians.
        weights: (K, 2), weights of two fields.
        palette: (3, 3) RGB 0..1.
    """

    waves: Tensor
    phases: Tensor
    weights: Tensor
    palette: Tensor

    def colors(self, point: Tensor) -> Tensor:
        """(M, 3) RGB 0..1 at points (M, 3) of the body's own frame, in their dtype."""
        angle = 2.0 * math.pi * (point @ self.waves.to(point).T) + self.phases.to(point)
        fields = torch.sigmoid(4.0 * (torch.sin(angle) @ self.weights.to(point)))
        first, second, third = self.palette.to(point)
        mixed = first + fields[:, :1] * (second - first)
        return mixed + fields[:, 1:] * 0.75 * (third - mixed)


def make_texture(generator: torch.Generator, *, cycles_per_unit: float) -> Texture:
    """A texture whose coarsest waves have `cycles_per_unit`; each octave doubles that."""
    count = WAVES_PER_OCTAVE * OCTAVES

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    octave = torch.arange(OCTAVES, dtype=torch.float64).repeat_interleave(WAVES_PER_OCTAVE)
    directions = torch.nn.functional.normalize(uniform(count, 3) - 0.5, dim=1)
    frequency = cycles_per_unit * 2.0**octave * (0.7 + 0.6 * uniform(count))
    weights = (uniform(count, 2) * 2.0 - 1.0) * (0.7**octave)[:, None]
    return Texture(
        waves=directions * frequency[:, None],
        phases=2.0 * math.pi * uniform(count),
        weights=weights / weights.norm(dim=0) * 1.2,
        palette=_palette(uniform(3), uniform(3)),
    )


def _palette(hues: Tensor, lights: Tensor) -> Tensor:
    """Three colours: dark, mid and light, of random hue."""
    offsets = torch.tensor([0.0, 1 / 3, 2 / 3], dtype=torch.float64)
    tint = 0.5 + 0.5 * torch.cos(2.0 * math.pi * (hues[:, None] + offsets))
    level = torch.tensor([0.15, 0.5, 0.85], dtype=torch.float64) + 0.1 * lights
    return (level[:, None] * (0.65 + 0.6 * tint)).clamp(0.0, 1.0)
