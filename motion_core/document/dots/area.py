"""Areas of a picture that dots fill: a polygon, or a mask given at expansion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ...geometry import Size
from ...masks import binary_mask, check_proportions, mask_size
from ...progress import Progress, silent
from ...tracks.seeding import mask_points, points_inside_polygon, polygon_points
from ..path import Point
from .limits import check_count, in_range

REMEDY = 'raise "spacing" or make the area smaller'


@dataclass(frozen=True, eq=False)
class PolygonArea:
    """The inside of a polygon, by the even-odd rule.

    Attributes:
        corners: (K, 2) px of the canvas.
        size: The canvas in pixels.
    """

    corners: np.ndarray
    size: Size

    def dots(self, spacing: float, progress: Progress = silent) -> np.ndarray:
        """(N, 2) px: a grid at `spacing` (of the short side), centred on the bounding box."""
        # Measured in short sides, so every canvas of one shape gets the same dots.
        corners = self.corners / self.size.short_side
        across, down = np.ptp(corners, axis=0) / in_range("spacing", spacing, above_zero=True)
        check_count(max(across, 1.0) * max(down, 1.0), 1, REMEDY)
        points = polygon_points(corners, spacing, progress=progress)
        if not len(points):
            raise ValueError('"polygon" encloses nothing; draw it with an inside.')
        return points.double().numpy() * self.size.short_side

    def middle(self) -> np.ndarray:
        """(2,) px: the centroid; where crossing loops leave it outside the box, the mean corner."""
        origin, extent = self.corners.min(axis=0), np.ptp(self.corners, axis=0)
        here = self.corners - origin
        there = np.roll(here, -1, axis=0)
        cross = here[:, 0] * there[:, 1] - there[:, 0] * here[:, 1]
        if abs(cross.sum()) > 1e-9 * extent.prod():
            centroid = ((here + there) * cross[:, None]).sum(axis=0) / (3.0 * cross.sum())
            if (centroid >= 0).all() and (centroid <= extent).all():
                return origin + centroid
        return self.corners.mean(axis=0)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(P,) bool: which of the points (P, 2) px lie inside."""
        return points_inside_polygon(points, self.corners).numpy()

    def moved(self, turn: np.ndarray, pivot: np.ndarray, shift: np.ndarray) -> PolygonArea:
        """The polygon turned and zoomed about a pivot by (2, 2), then shifted."""
        corners = (self.corners - pivot) @ turn.T + pivot + shift
        return PolygonArea(corners, self.size)


@dataclass(frozen=True, eq=False)
class MaskArea:
    """The area where a mask is on.

    Attributes:
        on: (H, W) bool, in the canvas' proportions at any resolution.
        size: The canvas in pixels.
    """

    on: np.ndarray
    size: Size

    def dots(self, spacing: float, progress: Progress = silent) -> np.ndarray:
        """(N, 2) px: a grid at `spacing` (of the short side), centred on what is on."""
        in_range("spacing", spacing, above_zero=True)
        own = Size(self.on.shape[1], self.on.shape[0])
        points = mask_points(torch.from_numpy(self.on), own, spacing * own.short_side)
        return points.double().numpy() * self._pixel()

    def middle(self) -> np.ndarray:
        """(2,) px: the mean of what is on."""
        return (np.argwhere(self.on)[:, ::-1] + 0.5).mean(axis=0) * self._pixel()

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(P,) bool: which of the points (P, 2) px lie on a mask pixel that is on."""
        cells = np.floor(points / self._pixel())
        last = np.array(self.on.shape[::-1]) - 1
        is_inside = ((cells >= 0) & (cells <= last)).all(axis=1)
        x, y = np.clip(cells, 0, last).astype(np.int64).T
        return is_inside & self.on[y, x]

    def _pixel(self) -> np.ndarray:
        """(2,) canvas pixels per mask pixel."""
        return np.array(self.size) / np.array(self.on.shape[::-1])


Area = PolygonArea | MaskArea


class HasArea(Protocol):
    """A layer with the fields "area" and "polygon"."""

    @property
    def area(self) -> str: ...

    @property
    def polygon(self) -> tuple[Point, ...] | None: ...


def layer_area(layer: HasArea, size: Size, mask: Any) -> Area | None:
    """The area that a layer names; None where it names none (single points, background).

    Args:
        layer: Any layer with the fields "area" and "polygon".
        size: The canvas in pixels.
        mask: (H, W) bool, or numbers that are on above 0.5, or None. It may have another resolution
            than the canvas but not other proportions.

    Raises:
        ValueError: The layer needs a mask and there is none, or it is empty.
        ShapeError: The mask is not (H, W).
        CanvasError: The mask has other proportions than the canvas.
    """
    if layer.area == "mask":
        return MaskArea(_checked_mask(mask, size), size)
    if layer.area == "polygon" and layer.polygon is not None:
        return PolygonArea(np.array(layer.polygon, dtype=np.float64) * np.array(size), size)
    return None


def _checked_mask(mask: Any, size: Size) -> np.ndarray:
    if mask is None:
        raise ValueError('"area" is "mask" but no mask came; connect one, or draw a polygon.')
    on = binary_mask(mask)
    check_proportions(mask_size(on), size)
    if not bool(on.any()):
        raise ValueError("mask is empty; mark the area in it, or disable the layer.")
    return on.cpu().numpy()
