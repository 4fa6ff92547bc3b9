"""Region: an area moved as one piece by keyed shift, turn and zoom."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..document.model import RegionLayer
from ..document.sample import RegionMotion, sample_region
from ..geometry import Size
from ..tracks.model import Tracks
from .area import REMEDY, Area, layer_area
from .footprint import Footprint
from .identity import layer_ids
from .limits import check_count, checked_clip, naming


def expand_region(
    layer: RegionLayer, *, frames: int, size: Size, fps: float | None = None, mask: Any = None
) -> Tracks:
    """Dots all over an area, turned and zoomed about its pivot and then shifted.

    Turns and zooms happen in pixels, so shapes stay what they are on any canvas; positive turns
    are clockwise on screen. Without a pivot in the layer it is the area's centroid. Points may lie
    outside the canvas. mask: as in layer_area. Returns (T, N) tracks on `size`.
    Raises what layer_area and sample_region raise, and ValueError for too many dots, each naming
    the layer.
    """
    with naming(layer):
        frames, size = checked_clip(frames, size)
        area = _area(layer, size, mask)
        dots = area.dots(layer.spacing)
        check_count(len(dots), frames, REMEDY)
        motion = sample_region(layer, frames=frames, size=size)
        pivot = _pivot(layer, area, size)
        away = torch.from_numpy(dots - pivot).float()
        turn = torch.from_numpy(_matrices(motion)).float()
        rest = torch.from_numpy(pivot + motion.shift).float()
        xy = (turn @ away.T).transpose(1, 2) + rest[:, None, :]
        visible = torch.from_numpy(motion.present)[:, None].expand(-1, len(dots)).clone()
        return Tracks(xy.contiguous(), visible, layer_ids(layer.id, len(dots)), size, fps)


def region_footprint(layer: RegionLayer, *, frames: int, size: Size, mask: Any = None) -> Footprint:
    """The moved area itself, in the frames where the layer is present."""
    with naming(layer):
        area = _area(layer, size, mask)
        motion = sample_region(layer, frames=frames, size=size)
        pivot = _pivot(layer, area, size)

    def holds(pose: np.ndarray, points: np.ndarray, margin: float) -> np.ndarray:
        back = np.linalg.inv(pose[:4].reshape(2, 2))
        return area.holds((points - pivot - pose[4:]) @ back.T + pivot)

    poses = np.concatenate([_matrices(motion).reshape(frames, 4), motion.shift], axis=1)
    return Footprint(poses, motion.present, holds)


def _area(layer: RegionLayer, size: Size, mask: Any) -> Area:
    area = layer_area(layer, size, mask)
    if area is None:
        raise ValueError('"polygon" is missing; draw one, or set "area" to "mask".')
    return area


def _pivot(layer: RegionLayer, area: Area, size: Size) -> np.ndarray:
    return area.middle() if layer.pivot is None else np.array(layer.pivot) * np.array(size)


def _matrices(motion: RegionMotion) -> np.ndarray:
    """(T, 2, 2): turn and zoom of every frame, acting on columns (x, y) with y down."""
    angle = np.radians(motion.rotate_deg)
    cosine, sine = np.cos(angle) * motion.scale, np.sin(angle) * motion.scale
    return np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
