"""Pin: dots that stay where they are, and go out of sight while something passes over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..document.model import PinLayer
from ..geometry import Size
from ..tracks.model import Tracks
from ..tracks.seeding import grid_points, static_tracks
from .area import REMEDY, layer_area
from .footprint import Footprint, covered
from .identity import layer_ids
from .limits import check_count, checked_clip, in_range, naming


def background_points(size: Size, spacing: float) -> np.ndarray:
    """(N, 2) float64 px: a grid at `spacing` (of the short side) centred on the canvas.

    Raises ValueError for a spacing that is not above 0 or makes too many dots.
    """
    step = in_range("spacing", spacing, above_zero=True) * size.short_side
    check_count(max(size.width / step, 1.0) * max(size.height / step, 1.0), 1, REMEDY)
    return grid_points(size, step).double().numpy()


def expand_pin(
    layer: PinLayer,
    *,
    frames: int,
    size: Size,
    fps: float | None = None,
    mask: Any = None,
    footprints: Sequence[Footprint] = (),
) -> Tracks:
    """Still dots: the layer's single points first, then its polygon, mask or background.

    footprints: where the moving layers lie. A background has no dots where a footprint is when it
    first appears: what is there moves. Every pin is invisible in the frames in which a footprint
    passes over it, except that a single, polygon or mask pin that a footprint covers from the
    start was put on the moving thing by hand and ignores that footprint. mask: as in layer_area.
    Returns (T, N) tracks on `size`.
    Raises what layer_area raises, and ValueError for too many dots, each naming the layer.
    """
    with naming(layer):
        frames, size = checked_clip(frames, size)
        single = np.array(layer.points, dtype=np.float64).reshape(-1, 2) * np.array(size)
        points = np.concatenate([single, _filled(layer, size, mask)])
        check_count(len(points), frames, REMEDY)
        is_background = np.arange(len(points)) >= len(single)
        is_background &= layer.area == "background"
        kept = np.ones(len(points), dtype=bool)
        visible = np.ones((frames, len(points)), dtype=bool)
        for footprint in footprints:
            hidden = covered(footprint, points, layer.spacing * size.short_side / 2)
            from_the_start = hidden[footprint.present.argmax()]
            kept &= ~(from_the_start & is_background)
            visible &= ~hidden | from_the_start
        still = static_tracks(points[kept], frames, size)
        # Numbered before any is left out, so what moves elsewhere never renumbers a pin.
        ids = layer_ids(layer.id, len(points))[torch.from_numpy(kept)]
        return Tracks(still.xy, torch.from_numpy(visible[:, kept]), ids, size, fps)


def _filled(layer: PinLayer, size: Size, mask: Any) -> np.ndarray:
    if layer.area == "background":
        return background_points(size, layer.spacing)
    area = layer_area(layer, size, mask)
    return np.zeros((0, 2)) if area is None else area.dots(layer.spacing)
