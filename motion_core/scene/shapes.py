"""Shapes for ray casting, each in its own frame.

A ray is an origin and a direction; its parameter t counts in lengths of the direction, so with
directions of unit depth t is the depth of the hit. A miss is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Shape(Protocol):
    """A solid around its own origin."""

    def hit(self, origin: Tensor, direction: Tensor) -> Tensor:
        """Intersect rays with the shape.

        Args:
            origin: (M, 3) in the shape's frame.
            direction: (M, 3) in the shape's frame.

        Returns:
            (M,) parameter of the first hit in front of each ray's origin, inf where it misses.
        """
        ...

    def normal(self, point: Tensor) -> Tensor:
        """(M, 3) unit outward normals at surface points (M, 3)."""
        ...


@dataclass(frozen=True)
class Plane:
    """The plane y = 0, visible from the side of negative y (up, in OpenCV axes)."""

    def hit(self, origin: Tensor, direction: Tensor) -> Tensor:
        """See Shape."""
        t = -origin[:, 1] / direction[:, 1]
        return _ahead(t)

    def normal(self, point: Tensor) -> Tensor:
        """See Shape."""
        return point.new_tensor([0.0, -1.0, 0.0]).expand_as(point)


@dataclass(frozen=True)
class Sphere:
    """A ball of `radius` about the origin."""

    radius: float

    def hit(self, origin: Tensor, direction: Tensor) -> Tensor:
        """See Shape."""
        a = (direction**2).sum(dim=1)
        half_b = (origin * direction).sum(dim=1)
        c = (origin**2).sum(dim=1) - self.radius**2
        root = torch.sqrt(half_b**2 - a * c)  # NaN where the ray passes by
        return torch.minimum(_ahead((-half_b - root) / a), _ahead((-half_b + root) / a))

    def normal(self, point: Tensor) -> Tensor:
        """See Shape."""
        return point / self.radius


@dataclass(frozen=True)
class Box:
    """An upright block with half sides `half` about the origin."""

    half: tuple[float, float, float]

    def hit(self, origin: Tensor, direction: Tensor) -> Tensor:
        """See Shape."""
        half = origin.new_tensor(self.half)
        first, second = (-half - origin) / direction, (half - origin) / direction
        enter = torch.minimum(first, second).amax(dim=1)
        leave = torch.maximum(first, second).amin(dim=1)
        through = enter <= leave
        inf = torch.full_like(enter, torch.inf)
        near = torch.where(through, _ahead(enter), inf)
        return torch.minimum(near, torch.where(through, _ahead(leave), inf))

    def normal(self, point: Tensor) -> Tensor:
        """See Shape."""
        reach = point / point.new_tensor(self.half)
        axis = reach.abs().argmax(dim=1, keepdim=True)
        return torch.zeros_like(point).scatter(1, axis, reach.gather(1, axis).sign())


def _ahead(t: Tensor) -> Tensor:
    """Keep parameters above 0; the others, and NaN for no hit, become infinite."""
    return torch.where(t > 0, t, torch.full_like(t, torch.inf))
