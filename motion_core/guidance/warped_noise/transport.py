"""Noise carried from one frame to the next, with tensor operations; `reference.py` defines it.

Most cells have one source with one receiver. Their noise is copied by one gather of rows; only
cells where noise is divided, merged or new are computed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import ShapeError
from .reference import DENSITY_EXPONENT, Draw
from .step_flow import StepFlow


class _Edges(NamedTuple):
    """Sources and targets, cells numbered row by row.

    Attributes:
        source: (E,) of the noise that moves, ascending, and `target` (E,) where it goes.
        rest: (E, 2), cells that rounding leaves over.
        pulling: (P,) targets that nothing moves to, ascending, and `pulled` (P,) their sources.
        empty: (Q,) targets without a source, ascending.
    """

    source: Tensor
    target: Tensor
    rest: Tensor
    pulling: Tensor
    pulled: Tensor
    empty: Tensor


def transport(
    noise: Tensor, density: Tensor, offset: Tensor, flow: StepFlow, draw: Draw
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of noise along a flow.

    Args:
        noise: (R * C, channels) white noise of unit variance, cells row by row.
        density: (R * C,) positive; how much of the first frame's area each cell holds.
        offset: (R * C, 2) cells: where the content of a cell lies, seen from its centre.
        flow: The motion of the step.
        draw: draw(n) gives (n, channels) of fresh noise. Called once: divided noise that moves, in
            the order of its sources, divided noise that is pulled, then new noise, in the order of
            their targets.

    Returns:
        Noise, density and offset of the later frame.

    Raises:
        ShapeError: The state is not of the flow's grid.
    """
    cells = flow.grid.width * flow.grid.height
    if len(noise) != cells or density.shape != (cells,) or offset.shape != (cells, 2):
        raise ShapeError(
            f"noise, density and offset must have {cells} rows for a grid of {flow.grid}; got "
            f"{tuple(noise.shape)}, {tuple(density.shape)} and {tuple(offset.shape)}."
        )
    edges = _edges(flow, offset)
    degree = torch.bincount(edges.source, minlength=cells)
    if len(edges.pulled):
        degree = degree + torch.bincount(edges.pulled, minlength=cells)
    share = density / degree.clamp(min=1).to(density)

    origin = torch.zeros(cells, dtype=torch.int64, device=noise.device)
    origin[edges.target] = edges.source
    origin[edges.pulling] = edges.pulled
    warped = noise.index_select(0, origin)

    splits = degree > 1
    moved, taken = splits[edges.source], splits[edges.pulled]
    counts = (int(moved.sum()), int(taken.sum()), len(edges.empty))
    fresh = draw(sum(counts)).to(noise)
    new, holes = fresh.split((counts[0] + counts[1], counts[2]))
    divided = torch.cat([edges.source[moved], edges.pulled[taken]])
    parts = _divided(noise, divided, degree, splits, new)
    warped[edges.pulling[taken]] = parts[counts[0] :]
    warped[edges.empty] = holes

    arrivals = torch.bincount(edges.target, minlength=cells)
    computed = arrivals > 1
    computed[edges.target[moved]] = True
    _merge(warped, noise, edges, share, computed, moved, parts[: counts[0]])

    total = torch.ones_like(density)
    total[edges.pulling] = share[edges.pulled]
    received = torch.zeros_like(density).index_add_(0, edges.target, share[edges.source])
    total = torch.where(arrivals > 0, received, total)
    left = torch.zeros_like(offset)
    left.index_add_(0, edges.target, edges.rest.to(offset) * share[edges.source][:, None])
    return warped, (total / total.mean()) ** DENSITY_EXPONENT, left / total[:, None]


def _edges(flow: StepFlow, offset: Tensor) -> _Edges:
    columns, rows = flow.grid
    column = torch.arange(columns, device=offset.device).repeat(rows)
    row = torch.arange(rows, device=offset.device).repeat_interleave(columns)
    place = torch.stack([column, row], dim=1).to(offset)

    def cells_at(position: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
        nearest = (position + 0.5).floor()
        inside = (nearest >= 0) & (nearest < nearest.new_tensor([columns, rows]))
        return nearest, inside[:, 0] & inside[:, 1] & counted.reshape(-1)

    position = place + offset + flow.forward.reshape(-1, 2).to(offset)
    nearest, arrives = cells_at(position, flow.shown)
    source = arrives.nonzero().squeeze(1)
    nearest = nearest[source]
    rest = position[source] - nearest
    target = _index(nearest, columns)
    lacking = torch.ones(columns * rows, dtype=torch.bool, device=offset.device)
    lacking[target] = False
    pulling = lacking.nonzero().squeeze(1)
    position = place[pulling] + flow.backward.reshape(-1, 2)[pulling].to(offset)
    nearest, has_source = cells_at(position, flow.known.reshape(-1)[pulling])
    return _Edges(
        source,
        target,
        rest,
        pulling[has_source],
        _index(nearest[has_source], columns),
        pulling[~has_source],
    )


def _index(nearest: Tensor, columns: int) -> Tensor:
    return nearest[:, 1].long() * columns + nearest[:, 0].long()


def _divided(
    noise: Tensor, sources: Tensor, degree: Tensor, splits: Tensor, fresh: Tensor
) -> Tensor:
    """(K, channels): for each edge of a source with several receivers, its part of the noise."""
    number = splits.cumsum(0) - 1
    which = number[sources]
    sums = fresh.new_zeros(int(splits.sum()), noise.shape[1]).index_add_(0, which, fresh)
    count = degree[sources].to(noise)[:, None]
    return noise[sources] / count.sqrt() + fresh - sums[which] / count


def _merge(
    warped: Tensor,
    noise: Tensor,
    edges: _Edges,
    share: Tensor,
    computed: Tensor,
    moved: Tensor,
    parts: Tensor,
) -> None:
    """Write the density-weighted sums into the computed targets of `warped`."""
    chosen = computed[edges.target]
    source, target = edges.source[chosen], edges.target[chosen]
    values = noise[source]
    values[moved[chosen]] = parts
    weight = share[source]
    which = (computed.cumsum(0) - 1)[target]
    count = int(computed.sum())
    sums = values.new_zeros(count, noise.shape[1]).index_add_(0, which, values * weight[:, None])
    squares = weight.new_zeros(count).index_add_(0, which, weight.square())
    warped[computed] = sums / squares.sqrt()[:, None].to(sums)
