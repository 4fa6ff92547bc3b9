"""Edges of depth: which neighbours are one surface, and pixels that float between two surfaces."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .depth_map import DepthMap

# Neighbours whose depths differ by less than this fraction are one surface.
JOINED_SHARE = 0.03
# So are neighbours on a slope: a step of inverse depth no larger than this times the step before
# or after it, since inverse depth is linear on a plane however slanted.
SLOPE_SLACK = 1.6
# A steeper step is not a slope but an edge that an estimator has smeared.
STEEPEST_SHARE = 0.15


def joined_neighbours(depth: DepthMap) -> tuple[Tensor, Tensor]:
    """Which horizontal (H, W - 1) and vertical (H - 1, W) neighbours belong to one surface."""
    across = _joined(depth.z, depth.valid)
    down = _joined(depth.z.T, depth.valid.T).T
    return across, down


def filter_flying_pixels(depth: DepthMap) -> DepthMap:
    """The depth without pixels that float between two surfaces.

    Estimators smear edges: a pixel or two lie on neither side and become a veil as soon as the
    camera moves. A pixel is removed when, along a row or a column, it is connected to neither
    neighbour and lies between them in depth. If no pixel would remain, the depth is unchanged.
    """
    across, down = joined_neighbours(depth)
    flying = _between(depth.z, across) | _between(depth.z.T, down.T).T
    valid = depth.valid & ~flying
    return replace(depth, valid=valid) if bool(valid.any()) else depth


def _joined(z: Tensor, valid: Tensor) -> Tensor:
    """Along rows: (H, W - 1)."""
    inverse = 1.0 / torch.where(valid, z, torch.ones_like(z))
    step = inverse[:, 1:] - inverse[:, :-1]
    relative_step = step.abs() / torch.maximum(inverse[:, 1:], inverse[:, :-1])
    both = valid[:, 1:] & valid[:, :-1]
    step = torch.where(both, step, torch.zeros_like(step))
    before = torch.nn.functional.pad(step[:, :-1], (1, 0))
    after = torch.nn.functional.pad(step[:, 1:], (0, 1))
    slope = (step.abs() <= SLOPE_SLACK * before.abs()) & (step * before > 0)
    slope |= (step.abs() <= SLOPE_SLACK * after.abs()) & (step * after > 0)
    return both & ((relative_step <= JOINED_SHARE) | (slope & (relative_step <= STEEPEST_SHARE)))


def _between(z: Tensor, joined: Tensor) -> Tensor:
    """(H, W) pixels of a row joined to neither neighbour, with depth strictly between theirs."""
    alone = torch.zeros_like(z, dtype=torch.bool)
    middle, left, right = z[:, 1:-1], z[:, :-2], z[:, 2:]
    amid = (middle - left) * (right - middle) > 0
    alone[:, 1:-1] = amid & ~joined[:, :-1] & ~joined[:, 1:]
    return alone
