"""Lenses: intrinsics of a centred pinhole from its field of view, and back.

Pixels have corners, so the middle of a W x H picture is (W / 2, H / 2).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ..geometry import Size, checked_size

FovAxis = Literal["horizontal", "vertical", "short"]


def intrinsics_from_fov(size: Size, fov_deg: float, *, axis: FovAxis = "horizontal") -> Tensor:
    """(3, 3) float64 intrinsics of a centred camera with square pixels.

    Args:
        size: The canvas in pixels.
        fov_deg: Angle between the picture's edges along `axis`, in degrees, above 0 and below 180.
        axis: Where the angle is measured; "short" is the smaller side.

    Raises:
        ValueError: The angle is out of range or the axis unknown.
    """
    size = checked_size(*size)
    sides = {"horizontal": size.width, "vertical": size.height, "short": size.short_side}
    if axis not in sides:
        raise ValueError(f"fov axis must be one of {', '.join(sides)}; got {axis!r}.")
    if not (math.isfinite(fov_deg) and 0.0 < fov_deg < 180.0):
        raise ValueError(
            f"the field of view must be above 0 and below 180 degrees; got {fov_deg}. "
            "50 to 70 suits most images."
        )
    return make_intrinsics(size, 0.5 * sides[axis] / math.tan(math.radians(fov_deg) / 2.0))


def make_intrinsics(size: Size, focal_px: float) -> Tensor:
    """(3, 3) float64 intrinsics with one focal length in pixels and a centred optical axis.

    Raises:
        ValueError: The focal length is not positive and finite.
    """
    size = checked_size(*size)
    if not (math.isfinite(focal_px) and focal_px > 0.0):
        raise ValueError(f"the focal length must be a positive number of pixels; got {focal_px}.")
    rows = [[focal_px, 0.0, size.width / 2], [0.0, focal_px, size.height / 2], [0.0, 0.0, 1.0]]
    return torch.tensor(rows, dtype=torch.float64)


def fov_of(K: Tensor, size: Size) -> tuple[float, float]:
    """The horizontal and vertical field of view of (3, 3) intrinsics, in degrees.

    Measured from edge to edge, so an off-centre optical axis is accounted for.
    """

    def angle(side: int, focal: float, centre: float) -> float:
        return math.degrees(math.atan(centre / focal) + math.atan((side - centre) / focal))

    size = checked_size(*size)
    fx, fy, cx, cy = (float(K[row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return angle(size.width, fx, cx), angle(size.height, fy, cy)


def scaled_intrinsics(K: Tensor, old: Size, new: Size) -> Tensor:
    """Intrinsics (..., 3, 3) of the same view on another canvas."""
    factor = K.new_tensor([new[0] / old[0], new[1] / old[1], 1.0])
    return factor[:, None] * K
