"""Pin: dots that stay where they are, and are invisible while something passes over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch

from ...geometry import Size
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ...tracks.seeding import grid_points, static_tracks
from ..dots.area import REMEDY, layer_area
from ..dots.footprint import Footprint, check_tests, covered
from ..dots.identity import layer_ids
from ..dots.limits import check_count, checked_clip, in_range, naming
from ..fields import Fields
from ..layer import ExpansionContext, Layer
from ..path import Point
from .field_groups import LENGTH, polygon_field, read_point, read_polygon

PinArea = Literal["polygon", "mask", "background"]


@dataclass(frozen=True)
class PinLayer(Layer):
    """Tracks that stay where they are: single points, and an area filled at ``spacing``.

    Attributes:
        area: "polygon" (None polygon: points only), "mask" (the mask given at expansion) or
            "background" (everything no moving layer covers).
        polygon: Corners in fractions of the canvas, or None.
        points: Single pins in fractions of the canvas.
        spacing: Fraction of the short side between the tracks of the area.
    """

    kind = "pin"
    is_hidden_by_others: ClassVar[bool] = True

    area: PinArea = "polygon"
    polygon: tuple[Point, ...] | None = None
    points: tuple[Point, ...] = ()
    spacing: float = 0.04

    @classmethod
    def read(cls, fields: Fields, common: Mapping[str, Any]) -> PinLayer:
        """The layer of a JSON object."""
        default = cls("")
        area = fields.choice("area", get_args(PinArea), default.area)
        polygon = read_polygon(fields)
        points = tuple(
            read_point(fields, f"points[{index}]", raw)
            for index, raw in enumerate(fields.entries("points", ()))
        )
        if area == "polygon" and polygon is None and not points:
            fields.refuse("points", 'must have an entry where "polygon" is null', points)
        spacing = fields.number("spacing", LENGTH, default.spacing)
        return cls(**common, area=area, polygon=polygon, points=points, spacing=spacing)

    def own_fields(self) -> dict[str, Any]:
        """The area, its spacing and the single pins."""
        return {
            "area": self.area,
            "polygon": polygon_field(self.polygon),
            "points": [list(point) for point in self.points],
            "spacing": self.spacing,
        }

    @property
    def holds_the_rest(self) -> bool:
        """Whether the area is the background."""
        return self.area == "background"

    def sample(self, *, frames: int, size: Size, drawn_on: Size) -> None:
        """None: pins do not move."""

    def expand(self, context: ExpansionContext) -> Tracks:
        """The tracks of the points and the area."""
        return expand_pin(
            self,
            frames=context.frames,
            size=context.size,
            fps=context.fps,
            mask=context.mask,
            footprints=context.footprints,
            before=context.dots,
            progress=context.progress,
        )


def background_points(size: Size, spacing: float) -> np.ndarray:
    """Points of a grid centred on the canvas.

    Args:
        size: The canvas in pixels.
        spacing: Fraction of the short side between neighbours.

    Returns:
        (N, 2) float64 px.

    Raises:
        ValueError: The spacing is not above 0 or makes too many dots.
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
    before: int = 0,
    progress: Progress = silent,
) -> Tracks:
    """Still dots: the layer's single points first, then its polygon, mask or background.

    A background has no dots where a footprint is when it first appears: that part of the picture
    moves. Every pin is invisible in the frames in which a footprint passes over it. One exception:
    a single, polygon or mask pin that a footprint covers from the start was placed on the moving
    object on purpose and ignores that footprint.

    Args:
        layer: The pins.
        frames: The number of frames T.
        size: The canvas in pixels.
        fps: Frames per second, kept with the tracks.
        mask: As in `layer_area`.
        footprints: Where the moving layers are.
        before: Dots of the layers before it, for the limits.
        progress: Called between pieces of the work.

    Returns:
        Tracks (T, N) on `size`.

    Raises:
        ValueError: Naming the layer: what `layer_area` refuses, or too many dots or footprints.
        CanvasError: The mask has other proportions than the canvas.
        ShapeError: The mask is not (H, W).
    """
    with naming(layer):
        frames, size = checked_clip(frames, size)
        single = np.array(layer.points, dtype=np.float64).reshape(-1, 2) * np.array(size)
        points = np.concatenate([single, _filled(layer, size, mask, progress)])
        check_count(len(points), frames, REMEDY, before=before)
        check_tests(footprints, len(points))
        is_background = np.arange(len(points)) >= len(single)
        is_background &= layer.area == "background"
        kept = np.ones(len(points), dtype=bool)
        visible = np.ones((frames, len(points)), dtype=bool)
        for footprint in footprints:
            hidden = covered(footprint, points, layer.spacing * size.short_side / 2, progress)
            from_the_start = hidden[footprint.present.argmax()]
            kept &= ~(from_the_start & is_background)
            visible &= ~hidden | from_the_start
        still = static_tracks(points[kept], frames, size)
        # Numbered before any is left out, so what moves elsewhere never renumbers a pin.
        ids = layer_ids(layer.id, len(points))[torch.from_numpy(kept)]
        return Tracks(still.xy, torch.from_numpy(visible[:, kept]), ids, size, fps)


def _filled(layer: PinLayer, size: Size, mask: Any, progress: Progress) -> np.ndarray:
    if layer.area == "background":
        return background_points(size, layer.spacing)
    area = layer_area(layer, size, mask)
    return np.zeros((0, 2)) if area is None else area.dots(layer.spacing, progress)
