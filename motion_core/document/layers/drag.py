"""Drag: a brush of dots carried along a drawn path (Motion Prompting, appendix A.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch

from ...geometry import Size
from ...tracks.model import Tracks
from ...tracks.seeding import disc_points
from ..dots.footprint import Footprint, within_disc, within_square
from ..dots.identity import layer_ids
from ..dots.limits import check_count, checked_clip, in_range, naming
from ..fields import Fields
from ..layer import ExpansionContext, Handle, Layer
from ..path import Path
from ..sample import ControlPath, sample_path
from .field_groups import LENGTH, RADIUS, path_fields, read_path

BrushShape = Literal["round", "square"]
Falloff = Literal["rigid", "gaussian"]

REMEDY = 'raise "brush.spacing" or lower "brush.radius"'
# Dots of a soft brush that follow less of the pointer's way may lie beside the thing.
LEAST_PULL = 0.5


@dataclass(frozen=True)
class Brush:
    """The grid of tracks that one pointer carries.

    Attributes:
        radius: Fraction of the short side; 0 is a single track.
        spacing: Fraction of the short side between neighbouring tracks.
        shape: The outline of the grid.
        falloff: "rigid" moves all tracks alike, "gaussian" moves the rim less.
    """

    radius: float = 0.06
    spacing: float = 0.02
    shape: BrushShape = "round"
    falloff: Falloff = "rigid"


@dataclass(frozen=True)
class DragLayer(Layer):
    """A brush of tracks carried along a drawn path."""

    kind = "drag"

    path: Path = Path(())
    brush: Brush = Brush()

    @classmethod
    def read(cls, fields: Fields, common: Mapping[str, Any]) -> DragLayer:
        """The layer of a JSON object."""
        return cls(**common, path=read_path(fields), brush=_read_brush(fields))

    def own_fields(self) -> dict[str, Any]:
        """The path and the brush."""
        brush = {
            "radius": self.brush.radius,
            "spacing": self.brush.spacing,
            "shape": self.brush.shape,
            "falloff": self.brush.falloff,
        }
        return {**path_fields(self.path), "brush": brush}

    @property
    def version(self) -> int:
        """That of the path."""
        return self.path.version

    def sample(self, *, frames: int, size: Size, drawn_on: Size) -> ControlPath:
        """The pointer at every frame."""
        return sample_path(self.path, frames=frames, size=size, drawn_on=drawn_on)

    def expand(self, context: ExpansionContext) -> Tracks:
        """The tracks of the brush."""
        return expand_drag(
            self,
            frames=context.frames,
            size=context.size,
            drawn_on=context.drawn_on,
            fps=context.fps,
            before=context.dots,
        )

    def footprint(self, context: ExpansionContext) -> Footprint:
        """The brush's disc or square around the pointer, widened by the margin."""
        size = context.size
        with naming(self):
            path = self.sample(frames=context.frames, size=size, drawn_on=context.drawn_on)
        within = within_disc if self.brush.shape == "round" else within_square
        radius = self.brush.radius * size.short_side
        return Footprint(
            path.xy,
            path.present,
            lambda pose, points, margin: within(points, pose, radius + margin),
        )

    def handle(self, context: ExpansionContext) -> Handle:
        """The dots that follow at least half of the pointer's way."""
        size = context.size
        with naming(self):
            path = self.sample(frames=context.frames, size=size, drawn_on=context.drawn_on)
            offsets = brush_offsets(self.brush)
        held = offsets[pull_weights(self.brush, offsets) >= LEAST_PULL] * size.short_side
        points = (path.xy[0] + held).astype(np.float32)
        return Handle(points, path.xy - path.xy[0], path.present)


def _read_brush(fields: Fields) -> Brush:
    default = Brush()
    brush = Fields(fields.take("brush", {}), fields.where, "brush.")
    read = Brush(
        radius=brush.number("radius", RADIUS, default.radius),
        spacing=brush.number("spacing", LENGTH, default.spacing),
        shape=brush.choice("shape", get_args(BrushShape), default.shape),
        falloff=brush.choice("falloff", get_args(Falloff), default.falloff),
    )
    brush.finish()
    return read


def brush_offsets(brush: Brush) -> np.ndarray:
    """Positions of the dots of a brush, row by row.

    Returns:
        (N, 2) float64, from its centre, in fractions of the short side; dot N // 2 is the centre,
        exactly (0, 0).

    Raises:
        ValueError: The spacing is not above 0, the radius is negative, or there are too many dots.
    """
    spacing = in_range("brush.spacing", brush.spacing, above_zero=True)
    reach = in_range("brush.radius", brush.radius, above_zero=False) / spacing
    # Beyond the square root of the largest float, ** would raise OverflowError; * gives infinity.
    check_count((2 * reach + 1) * (2 * reach + 1), 1, REMEDY)
    # Counted in spacings, so every canvas gets the same dots.
    return disc_points((0.0, 0.0), reach, 1.0, brush.shape).double().numpy() * spacing


def pull_weights(brush: Brush, offsets: np.ndarray) -> np.ndarray:
    """The fraction of the pointer's displacement that each dot follows.

    "rigid" is 1 everywhere; "gaussian" is exp(-d^2 / (2 sigma^2)) with sigma = radius / 2.

    Args:
        brush: The brush.
        offsets: (N, 2) from brush_offsets.

    Returns:
        (N,) float64.
    """
    if brush.falloff == "rigid" or brush.radius == 0:
        return np.ones(len(offsets))
    sigma = brush.radius / 2
    return np.exp(-0.5 * (offsets**2).sum(axis=1) / sigma**2)


def expand_drag(
    layer: DragLayer,
    *,
    frames: int,
    size: Size,
    drawn_on: Size,
    fps: float | None = None,
    before: int = 0,
) -> Tracks:
    """The tracks of a brush whose middle dot is exactly on the pointer in every frame.

    The dots lie around the path's first position and follow the pointer's displacement from there,
    fully or with Gaussian falloff. They are visible in the frames where the path is present.
    Points may lie outside the canvas.

    Args:
        layer: The drag.
        frames: The number of frames T.
        size: The canvas of the tracks in pixels.
        drawn_on: The canvas that the path was drawn on, in pixels.
        fps: Frames per second, kept with the tracks.
        before: Dots of the layers before it, for the limits.

    Returns:
        Tracks (T, N) on `size`.

    Raises:
        ValueError: Naming the layer: what `brush_offsets` or `sample_path` refuse.
    """
    with naming(layer):
        frames, size = checked_clip(frames, size)
        offsets = brush_offsets(layer.brush)
        check_count(len(offsets), frames, REMEDY, before=before)
        path = sample_path(layer.path, frames=frames, size=size, drawn_on=drawn_on)
        start = torch.from_numpy(path.xy[0] + offsets * size.short_side)
        step = torch.from_numpy(path.xy - path.xy[0])
        weight = torch.from_numpy(pull_weights(layer.brush, offsets))
        visible = torch.from_numpy(path.present)[:, None].expand(-1, len(offsets))
        xy = torch.empty(frames, len(offsets), 2)
        torch.addcmul(start, weight[None, :, None], step[:, None, :], out=xy)
        return Tracks(xy, visible.clone(), layer_ids(layer.id, len(offsets)), size, fps)
