"""Clips for toy runs: a blob that goes where only the tracks know, drawn as latents, so that no
autoencoder has to be trained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

CELLS = 8
PX = CELLS * 8
COLOUR = torch.tensor([2.0, -2.0, 2.0, -2.0])
SPREAD_PX = 7.0
# Of the clips that errors are measured on; training draws from 0 upwards.
HELD_OUT = 10**6


@dataclass(frozen=True)
class Kind:
    """What clips are like. reach_px: how far a blob may end from its start along either axis, or
    None for anywhere."""

    frames: int = 4
    points: int = 4
    reach_px: float | None = None


@dataclass(frozen=True, eq=False)
class Blobs:
    """B clips. clean: (B, T, 4, 8, 8). path: (B, T, 2) pixels, the middle of each blob."""

    clean: Tensor
    path: Tensor
    tracks: list[Tracks]


def blobs(seed: int, count: int, kind: Kind) -> Blobs:
    """Clips of a seed; blobs go straight from one random place to another."""
    draw = np.random.default_rng(seed)
    ends = draw.uniform(8, PX - 8, (count, 2, 2))
    if kind.reach_px is not None:
        moved = draw.uniform(-kind.reach_px, kind.reach_px, (count, 2))
        ends[:, 1] = np.clip(ends[:, 0] + moved, 8, PX - 8)
    start, end = torch.tensor(ends, dtype=torch.float32)[:, :, None].unbind(1)
    share = torch.linspace(0, 1, kind.frames)[:, None]
    path = start * (1 - share) + end * share
    rows, columns = torch.meshgrid(cell_middles(), cell_middles(), indexing="ij")
    x, y = path[..., None, None].unbind(2)
    glow = torch.exp(-((x - columns) ** 2 + (y - rows) ** 2) / (2 * SPREAD_PX**2))
    near = torch.tensor(draw.normal(0, 3, (count, 1, kind.points, 2)), dtype=torch.float32)
    tracks = [make_tracks(one, Size(PX, PX)) for one in path[:, :, None] + near]
    return Blobs(COLOUR.view(4, 1, 1) * glow[:, :, None], path, tracks)


def schedule(optimizer: torch.optim.Optimizer, rate: float, step: int, steps: int) -> None:
    """A short warm-up, and from the middle of the run a fall to zero."""
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / 20) * min(1.0, 2 * (1 - step / steps))


def report_and_train(untrained: float, train: Callable[[], float]) -> None:
    """Tells both errors in pixels, and exits: as a failure unless the second is below half."""
    sys.stdout.write(f"untrained control: {untrained:.2f} px of {PX}\n")
    trained = train()
    sys.stdout.write(f"trained control: {trained:.2f} px, {trained / untrained:.2f} of it\n")
    sys.exit(trained >= untrained / 2)


def cell_middles() -> Tensor:
    """Pixels of the middles of cells along one axis."""
    return (torch.arange(CELLS) + 0.5) * 8


def error_px(made: Tensor, wanted: Blobs, first: int = 0) -> float:
    """Mean distance from where blobs should be to where they are in latents (B, T, 4, 8, 8), from
    frame `first` on."""
    brightness = torch.einsum("btchw,c->bthw", made, COLOUR / 16).clamp(min=0.15) - 0.15
    total = brightness.sum((2, 3)).clamp(min=1e-6)
    x = torch.einsum("bthw,w->bt", brightness, cell_middles()) / total
    y = torch.einsum("bthw,h->bt", brightness, cell_middles()) / total
    return float((torch.stack([x, y], -1) - wanted.path)[:, first:].norm(dim=-1).mean())
