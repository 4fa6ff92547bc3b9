"""Meshes that cannot fold: every triangle keeps its orientation.

Positions that turn a triangle over are moved back along the line to positions that do not. Twice
the area of a triangle along that line is a quadratic function, so the farthest valid point is
computed in closed form (as in Smith and Schaefer 2015, section 3.3).
"""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from .mesh import doubled_areas

# Triangles keep at least this part of the area that they have in the safe positions.
LEAST_AREA = 0.05


def folded(positions: FloatArray, safe: FloatArray, triangles: IndexArray) -> BoolArray:
    """(..., F) triangles that have turned over or nearly so.

    Args:
        positions: (..., V, 2) pixels.
        safe: (..., V, 2) pixels, positions without folds.
        triangles: (F, 3).
    """
    least = LEAST_AREA * doubled_areas(safe, triangles)
    return doubled_areas(positions, triangles) < least


def unfolded(positions: FloatArray, safe: FloatArray, triangles: IndexArray) -> FloatArray:
    """(V, 2) the positions nearest to the wanted ones, on the line from safe ones, without folds.

    Args:
        positions: (V, 2) pixels, wanted.
        safe: (V, 2) pixels, positions in which every triangle has a positive area.
        triangles: (F, 3).
    """
    part = farthest_part(positions, safe, triangles)
    while part < 1:
        moved = safe + part * (positions - safe)
        # Rounding may leave the farthest point just outside.
        if not folded(moved, safe, triangles).any():
            return moved
        part = 0.0 if part < 1e-9 else part * 0.99
        if part == 0.0:
            return safe.copy()
    return positions


def farthest_part(positions: FloatArray, safe: FloatArray, triangles: IndexArray) -> float:
    """0..1, how far positions can go from safe ones before a triangle folds."""
    if not len(triangles) or not folded(positions, safe, triangles).any():
        return 1.0
    start = doubled_areas(safe, triangles)
    end = doubled_areas(positions, triangles)
    bend = doubled_areas(positions - safe, triangles)
    slope = end - start - bend
    # start + slope t + bend t^2 = least, its smallest root above zero.
    excess = (1 - LEAST_AREA) * start
    inner = np.maximum(slope**2 - 4 * bend * excess, 0.0)
    has_root = slope**2 - 4 * bend * excess >= 0
    # The stable form: 2c / (-b + sqrt(..)) is the smaller positive root where b < 0 or a < 0.
    below = -slope + np.sqrt(inner)
    root = np.where(has_root & (below > 0), 2 * excess / np.maximum(below, 1e-300), np.inf)
    return float(min(root.min(), 1.0))
