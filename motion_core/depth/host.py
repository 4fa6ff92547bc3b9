"""Depth from the host's own geometry values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import FormatError, ShapeError
from ..geometry import Size
from .depth_map import DepthMap
from .lens import make_intrinsics
from .sources import make_depth

# The lens the host assumes for DA3_GEOMETRY without one: focal length in picture widths.
DA3_FOCAL_WIDTHS = 0.7
SKY_PROBABILITY = 0.5


def from_moge(geometry: Mapping[str, Any], index: int = 0) -> DepthMap:
    """Read depth from MOGE_GEOMETRY.

    Its intrinsics are relative to width and height. Masked pixels have infinite depth and become
    invalid. Version 2, which has normals, is metric.

    Args:
        geometry: The host's dict.
        index: Which picture of the batch.

    Raises:
        FormatError: A key is missing; the message names it.
        ShapeError: The index is outside of the batch.
        ValueError: No pixel is valid.
    """
    depth = _batch(geometry, "MOGE_GEOMETRY", "depth", index)
    if "intrinsics" not in geometry:
        raise FormatError(
            "MOGE_GEOMETRY has no intrinsics, so it is a panorama; run MoGe on a flat image."
        )
    height, width = depth.shape
    factor = torch.tensor([width, height, 1.0], dtype=torch.float64)
    K = factor[:, None] * _batch(geometry, "MOGE_GEOMETRY", "intrinsics", index).double().cpu()
    valid = _batch(geometry, "MOGE_GEOMETRY", "mask", index) if "mask" in geometry else None
    return make_depth(depth, valid=valid, K=K, is_metric="normal" in geometry)


def from_da3(geometry: Mapping[str, Any], index: int = 0, *, is_metric: bool = False) -> DepthMap:
    """Read depth from DA3_GEOMETRY.

    Several views have a lens each, in pixels of the size the model worked at, not of the depth; it
    is read relative to its own centre, which is right for either. A single view has none, and gets
    the lens that the host assumes (a focal length of 0.7 widths). Sky is invalid.

    Args:
        geometry: The host's dict.
        index: Which picture or view.
        is_metric: Whether the Metric model made the depth; the dict does not contain that.

    Raises:
        FormatError: A key is missing; the message names it.
        ShapeError: The index is outside of the batch.
        ValueError: No pixel is valid.
    """
    depth = _batch(geometry, "DA3_GEOMETRY", "depth", index)
    size = Size(depth.shape[1], depth.shape[0])
    valid = None
    if "sky" in geometry:
        valid = _batch(geometry, "DA3_GEOMETRY", "sky", index) < SKY_PROBABILITY
    if "intrinsics" not in geometry:
        lens = make_intrinsics(size, DA3_FOCAL_WIDTHS * size.width)
        assumed = make_depth(depth, valid=valid, K=lens, is_metric=is_metric)
        return DepthMap(assumed.z, assumed.valid, assumed.K, assumed.kind, is_K_known=False)
    K = _centred(geometry["intrinsics"], index, size)
    return make_depth(depth, valid=valid, K=K, is_metric=is_metric)


def _centred(intrinsics: Any, index: int, size: Size) -> Tensor:
    """(1, S, 3, 3) intrinsics of view `index`, brought to `size` by their own centre."""
    if not isinstance(intrinsics, Tensor) or intrinsics.ndim != 4:
        raise FormatError("DA3_GEOMETRY.intrinsics must be (1, S, 3, 3).")
    if not 0 <= index < intrinsics.shape[1]:
        raise ShapeError(f"view {index} is outside of the {intrinsics.shape[1]} views.")
    own = intrinsics[0, index].double().cpu()
    centre = own[:2, 2]
    if not bool((centre > 0).all()):
        raise FormatError(
            "DA3_GEOMETRY has no usable lens (its pose estimate failed); run it in mono mode."
        )
    K = torch.eye(3, dtype=torch.float64)
    half = torch.tensor(size, dtype=torch.float64) / 2.0
    K[0, 0], K[1, 1] = half * own.diagonal()[:2] / centre
    K[:2, 2] = half
    return K


def _batch(geometry: Mapping[str, Any], kind: str, key: str, index: int) -> Tensor:
    value = geometry.get(key) if isinstance(geometry, Mapping) else None
    if not isinstance(value, Tensor) or value.ndim != 3:
        raise FormatError(f"{kind} needs {key} as a batch of (H, W) or (3, 3); connect a {kind}.")
    if not 0 <= index < value.shape[0]:
        raise ShapeError(f"image {index} is outside of the batch of {value.shape[0]}.")
    return value[index]
