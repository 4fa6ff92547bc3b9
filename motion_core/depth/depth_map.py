"""Depth maps with their intrinsics, validity and unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size

# metric: metres. relative: right up to one unknown scale.
DepthKind = Literal["metric", "relative"]


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Distance along the optical axis for every pixel of one picture.

    Attributes:
        z: (H, W) float32, positive where valid, finite everywhere.
        valid: (H, W) bool. Where False, z is a placeholder that nobody may read.
        K: (3, 3) float64, intrinsics in pixels of this map, corner origin.
        kind: "metric" (metres) or "relative" (up to one scale).
        is_K_known: False when K was assumed from a field of view.

    Raises:
        ShapeError: A tensor has another shape or dtype.
        ValueError: z is not finite, not positive where valid, or valid nowhere.
    """

    z: Tensor
    valid: Tensor
    K: Tensor
    kind: DepthKind = "relative"
    is_K_known: bool = False

    def __post_init__(self) -> None:
        if self.z.dtype != torch.float32 or self.z.ndim != 2 or 0 in self.z.shape:
            raise ShapeError(
                f"DepthMap.z must be (H, W) float32; got {tuple(self.z.shape)} {self.z.dtype}."
            )
        if self.valid.dtype != torch.bool or self.valid.shape != self.z.shape:
            raise ShapeError(
                f"DepthMap.valid must be bool {tuple(self.z.shape)}; "
                f"got {self.valid.dtype} {tuple(self.valid.shape)}."
            )
        if self.K.shape != (3, 3) or self.K.dtype != torch.float64:
            raise ShapeError("DepthMap.K must be (3, 3) float64, intrinsics in pixels.")
        if not bool(torch.isfinite(self.z).all()):
            raise ValueError("DepthMap.z must be finite; mark sky and masked pixels invalid.")
        if not bool(self.valid.any()):
            raise ValueError(
                "The depth has no valid pixel: it is all masked, infinite or not positive. "
                "Check the depth node, or use a fallback geometry (plane, ground_and_wall, sphere)."
            )
        if bool((self.z[self.valid] <= 0).any()):
            raise ValueError("DepthMap.z must be positive where valid; is this disparity?")

    @property
    def size(self) -> Size:
        """The canvas of this map."""
        return Size(self.z.shape[1], self.z.shape[0])
