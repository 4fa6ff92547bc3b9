"""The definition of noise transport: plain loops over cells.

Burgert et al., "Go-with-the-Flow" (CVPR 2025), algorithm 1. Every cell of the earlier frame is a
source, every cell of the later frame a target. A source gives its noise to the target that its
content moves to. A target that nothing moves to takes from the source that its content comes from.
A source with d receivers is divided by sampling d unit Gaussians whose sum is given; a target with
several sources takes their density-weighted sum at unit variance. So each frame stays white noise.

Two rules differ from the authors' code. The fraction of a cell that rounding leaves over is kept
and added to the next step, so that motion slower than half a cell per step is not lost. Content
that was hidden takes fresh noise, and content that becomes hidden gives none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .step_flow import StepFlow

# draw(n) gives (n, channels) of standard normal noise.
Draw = Callable[[int], Tensor]
# Densities tend to 1 by this exponent, so that they stay bounded over long clips.
DENSITY_EXPONENT = 0.9999


@dataclass
class _Graph:
    """Who gives to whom.

    Attributes:
        receivers: Of each source, its targets.
        senders: Of each target, the sources that move to it.
        rest: Of each source that moves, what rounding leaves over, (x, y) in cells.
        pulled: Of each target that nothing moves to, the source that it takes from.
    """

    receivers: list[list[int]]
    senders: list[list[int]]
    rest: dict[int, tuple[float, float]] = field(default_factory=dict)
    pulled: dict[int, int] = field(default_factory=dict)


def transport_reference(
    noise: Tensor, density: Tensor, offset: Tensor, flow: StepFlow, draw: Draw
) -> tuple[Tensor, Tensor, Tensor]:
    """One step, as `transport` computes it. Arguments and results as there."""
    graph = _graph(offset, flow)
    parts = _parts(noise, graph, draw)
    warped, weight, left = torch.empty_like(noise), torch.ones_like(density), offset * 0
    for target, senders in enumerate(graph.senders):
        if target in graph.pulled:
            source = graph.pulled[target]
            warped[target] = parts[source, target]
            weight[target] = density[source] / len(graph.receivers[source])
        elif senders:
            shares = [density[one] / len(graph.receivers[one]) for one in senders]
            both = list(zip(shares, senders, strict=True))
            deviation = math.sqrt(sum(float(share) ** 2 for share in shares))
            warped[target] = sum(share * parts[one, target] for share, one in both) / deviation
            weight[target] = sum(shares)
            for axis in (0, 1):
                moment = sum(share * graph.rest[one][axis] for share, one in both)
                left[target, axis] = moment / weight[target]
        else:
            warped[target] = draw(1)[0]
    return warped, (weight / weight.mean()) ** DENSITY_EXPONENT, left


def _graph(offset: Tensor, flow: StepFlow) -> _Graph:
    columns, rows = flow.grid
    cells = columns * rows
    graph = _Graph([[] for _ in range(cells)], [[] for _ in range(cells)])
    for source in range(cells):
        row, column = divmod(source, columns)
        x = column + offset[source, 0].item() + flow.forward[row, column, 0].item()
        y = row + offset[source, 1].item() + flow.forward[row, column, 1].item()
        target = _cell(x, y, columns, rows)
        if flow.shown[row, column] and target is not None:
            graph.receivers[source].append(target)
            graph.senders[target].append(source)
            graph.rest[source] = (x - target % columns, y - target // columns)
    for target in range(cells):
        row, column = divmod(target, columns)
        x = column + flow.backward[row, column, 0].item()
        y = row + flow.backward[row, column, 1].item()
        source = _cell(x, y, columns, rows)
        if not graph.senders[target] and flow.known[row, column] and source is not None:
            graph.pulled[target] = source
            graph.receivers[source].append(target)
    return graph


def _cell(x: float, y: float, columns: int, rows: int) -> int | None:
    """The cell whose centre is nearest to a position, or None off the grid."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    column, row = math.floor(x + 0.5), math.floor(y + 0.5)
    return row * columns + column if 0 <= column < columns and 0 <= row < rows else None


def _parts(noise: Tensor, graph: _Graph, draw: Draw) -> dict[tuple[int, int], Tensor]:
    """The noise that each source gives to each of its targets."""
    fresh: dict[tuple[int, int], Tensor] = {}
    for source in sorted(graph.rest):
        if len(graph.receivers[source]) > 1:
            fresh[source, graph.receivers[source][0]] = draw(1)[0]
    for target, source in sorted(graph.pulled.items()):
        if len(graph.receivers[source]) > 1:
            fresh[source, target] = draw(1)[0]
    parts = {}
    for source, targets in enumerate(graph.receivers):
        count = len(targets)
        for target in targets:
            parts[source, target] = noise[source] / math.sqrt(count)
            if count > 1:
                mean = sum(fresh[source, one] for one in targets) / count
                parts[source, target] = parts[source, target] + fresh[source, target] - mean
    return parts
