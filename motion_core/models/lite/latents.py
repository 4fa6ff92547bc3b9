"""Latents of lite: a dense motion field as a stack of maps, and noise of the same statistics."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import ShapeError
from ...fields.motion_field import MotionField
from ...geometry import Size
from .track_batch import unit_px

# One unit of a latent displacement is this many units of length; latents are about 1 in size.
SCALE_UNITS = 1.5
# Correlation length of motion over time, as a fraction of the clip. In 384 training scenes of 16
# frames the correlation is 0.96 one frame apart, 0.80 three apart and 0.48 seven apart.
MEMORY = 0.42
ROUGHNESS = 5e-4


def to_latents(displacement: Tensor, visible: Tensor) -> Tensor:
    """Latents (B, 3 (T - 1), G, G) of motion.

    Channels: x and y of frame 1, of frame 2, ..., then -1..1 of visibility of frame 1, 2, ...

    Args:
        displacement: (B, T, G, G, 2) units.
        visible: (B, T, G, G) 0..1.
    """
    channels = displacement[:, 1:].permute(0, 1, 4, 2, 3).flatten(1, 2) / SCALE_UNITS
    return torch.cat([channels, visible[:, 1:].to(channels.dtype) * 2 - 1], dim=1)


def from_latents(latents: Tensor) -> tuple[Tensor, Tensor]:
    """Displacement (B, T, G, G, 2) in units and visibility (B, T, G, G) 0..1 of latents."""
    batch, channels, grid, _ = latents.shape
    if channels % 3:
        raise ShapeError(f"latents have 3 channels per generated frame; got {channels}.")
    frames = channels // 3
    moved = latents[:, : 2 * frames].view(batch, frames, 2, grid, grid).permute(0, 1, 3, 4, 2)
    visible = ((latents[:, 2 * frames :] + 1) / 2).clamp(0, 1)
    first = moved.new_zeros(batch, 1, grid, grid, 2)
    moved = torch.cat([first, moved * SCALE_UNITS], dim=1)
    return moved, torch.cat([visible.new_ones(batch, 1, grid, grid), visible], dim=1)


def latents_by_frame(latents: Tensor) -> Tensor:
    """One latent (1, 3 (T - 1), G, G) as (T, 3, G, G): x, y and visibility of every frame."""
    frames, grid = latents.shape[1] // 3, latents.shape[-1]
    moved = latents[0, : 2 * frames].view(frames, 2, grid, grid)
    later = torch.cat([moved, latents[0, 2 * frames :, None]], dim=1)
    first = later.new_tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(-1, -1, grid, grid)
    return torch.cat([first, later])


def resting_latents(frames: int, grid: int) -> Tensor:
    """(1, 3 (T - 1), G, G): nothing moves and everything is visible."""
    still = torch.zeros(1, 2 * (frames - 1), grid, grid)
    return torch.cat([still, torch.ones(1, frames - 1, grid, grid)], dim=1)


def field_from_latents(latents: Tensor, size: Size, frames: int) -> MotionField:
    """One latent (1, C, G, G) as a field of full confidence, resampled to `frames` in time.

    Args:
        latents: (1, C, G, G).
        size: Of the canvas.
        frames: Of the field.
    """
    moved, visible = from_latents(latents)
    moved, visible = (
        resample_frames(moved[0] * unit_px(size), frames),
        resample_frames(visible[0], frames),
    )
    grid = latents.shape[-2:]
    confidence = torch.ones_like(visible[0]) if len(visible) else visible.new_ones(grid)
    return MotionField(moved, visible, confidence, size)


def field_to_latents(field: MotionField, frames: int) -> Tensor:
    """A field as a latent (1, C, G, G) of a model of `frames`."""
    displacement = resample_frames(field.displacement / unit_px(field.size), frames)
    return to_latents(displacement[None], resample_frames(field.visible, frames)[None])


def resample_frames(values: Tensor, frames: int) -> Tensor:
    """(T, ...) read at `frames` even times from first to last, linear in between."""
    count = len(values)
    if count == frames or count == 0:
        return values if count else values.new_zeros(frames, *values.shape[1:])
    at = torch.linspace(0, count - 1, frames, device=values.device)
    low = at.floor().long().clamp(max=max(count - 2, 0))
    share = (at - low).view(-1, *([1] * (values.ndim - 1)))
    return torch.lerp(values[low], values[(low + 1).clamp(max=count - 1)], share)


def time_factor(frames: int) -> Tensor:
    """Cholesky factor L (T - 1, T - 1) of the covariance of motion over frames 1..T-1.

    L z is noise as smooth over time as motion. Motion starts from zero: the variance grows evenly
    to 1 at the last frame. Times s and t, as fractions of the clip, are correlated by Matern's
    (1 + a) exp(-a) with a = sqrt(3) |s - t| / MEMORY, plus a little white noise. Samples made from
    rougher noise jitter.
    """
    t = torch.arange(1, frames, dtype=torch.float64) / (frames - 1)
    apart = (t[:, None] - t[None]).abs() * (math.sqrt(3) / MEMORY)
    cover = (t[:, None] * t[None]).sqrt() * (1 + apart) * torch.exp(-apart)
    cover = cover + ROUGHNESS * torch.eye(frames - 1).double()
    return torch.linalg.cholesky(cover / cover[-1, -1]).float()


def coloured_noise(shape: tuple[int, ...], factor: Tensor, generator: torch.Generator) -> Tensor:
    """Noise for latents, correlated over time and white over space.

    Averaging over cells that move together removes it.

    Args:
        shape: (B, 3 (T - 1), G, G).
        factor: (T - 1, T - 1), see time_factor.
        generator: Of the noise, on the CPU.
    """
    frames = len(factor)
    batch, _, height, width = shape
    white = torch.randn(batch, 3, frames, height, width, generator=generator)
    timed = torch.einsum("st,bcthw->bcshw", factor.cpu(), white)
    moved = timed[:, :2].transpose(1, 2).reshape(batch, 2 * frames, height, width)
    return torch.cat([moved, timed[:, 2]], dim=1).to(factor.device)
