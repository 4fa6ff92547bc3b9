"""Sphere: dots on a ball that the pointer turns (Motion Prompting, appendix A.5).

Directions are unit vectors with x to the right, y down and z towards the viewer; the ball is drawn
without perspective, so a direction's x and y are its place on screen in radii.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...geometry import Size
from ...tracks.model import Tracks
from ..dots.footprint import Footprint, within_disc
from ..dots.identity import layer_ids
from ..dots.limits import check_count, checked_clip, in_range, naming
from ..fields import Fields
from ..layer import ExpansionContext, Layer
from ..path import Path, Point
from ..sample import ControlPath, sample_path
from .field_groups import LENGTH, path_fields, read_path, read_point

GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))
REMEDY = 'raise "spacing" or lower "radius"'
# Below this sine two directions count as equal or opposite; it moves no dot by 1e-9 of a radius.
LEAST_SINE = 1e-9


@dataclass(frozen=True)
class SphereLayer(Layer):
    """A ball turned by the pointer about the single axis that carries its first position to its
    current one.

    Attributes:
        center: Fractions of width and height.
        radius: Fraction of the short side.
        path: The pointer.
        spacing: Fraction of the short side between neighbouring tracks.
    """

    kind = "sphere"

    center: Point = (0.5, 0.5)
    radius: float = 0.2
    path: Path = Path(())
    spacing: float = 0.02

    @classmethod
    def read(cls, fields: Fields, common: Mapping[str, Any]) -> SphereLayer:
        """The layer of a JSON object."""
        return cls(
            **common,
            center=read_point(fields, "center", fields.take("center")),
            radius=fields.number("radius", LENGTH),
            path=read_path(fields),
            spacing=fields.number("spacing", LENGTH, cls("").spacing),
        )

    def own_fields(self) -> dict[str, Any]:
        """The ball and the path."""
        ball = {"center": list(self.center), "radius": self.radius, "spacing": self.spacing}
        return {**ball, **path_fields(self.path)}

    @property
    def version(self) -> int:
        """That of the path."""
        return self.path.version

    def sample(self, *, frames: int, size: Size, drawn_on: Size) -> ControlPath:
        """The pointer at every frame."""
        return sample_path(self.path, frames=frames, size=size, drawn_on=drawn_on)

    def expand(self, context: ExpansionContext) -> Tracks:
        """The tracks on the ball."""
        return expand_sphere(
            self,
            frames=context.frames,
            size=context.size,
            drawn_on=context.drawn_on,
            fps=context.fps,
            before=context.dots,
        )

    def footprint(self, context: ExpansionContext) -> Footprint:
        """The ball's disc, in the frames where its path is present."""
        frames, size = context.frames, context.size
        with naming(self):
            path = self.sample(frames=frames, size=size, drawn_on=context.drawn_on)
        center, radius = _ball(self, size)
        return Footprint(
            np.broadcast_to(center, (frames, 2)),
            path.present,
            lambda pose, points, margin: within_disc(points, pose, radius),
        )


def sphere_points(radius: float, spacing: float) -> np.ndarray:
    """Directions spread evenly over the near half of a ball, the nearest one first.

    A Fibonacci spiral of round(2 pi (radius / spacing)^2) points: one per square of side `spacing`.

    Args:
        radius: Radius of the ball, in any unit.
        spacing: Spacing in the same unit.

    Returns:
        (N, 3) float64 unit vectors.

    Raises:
        ValueError: A length is not above 0, or there are too many dots.
    """
    spacing = in_range("spacing", spacing, above_zero=True)
    reach = in_range("radius", radius, above_zero=True) / spacing
    # reach * reach becomes infinite where reach ** 2 would raise OverflowError.
    count = 2 * math.pi * reach * reach
    check_count(count, 1, REMEDY)
    place = np.arange(round(count), dtype=np.float64)
    z = 1.0 - (place + 0.5) / max(round(count), 1)
    across = np.sqrt(1.0 - z**2)
    angle = place * GOLDEN_ANGLE
    return np.stack([across * np.cos(angle), across * np.sin(angle), z], axis=1)


def directions_under(pointer: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """The direction under each position of the pointer.

    Beside the ball it is the nearest direction of its rim, where z is 0.

    Args:
        pointer: (T, 2) positions.
        center: (2,) centre of the ball.
        radius: Radius in the same unit.

    Returns:
        (T, 3) unit vectors.
    """
    flat = (pointer - center) / radius
    away = np.hypot(flat[:, 0], flat[:, 1])
    flat = flat / np.maximum(away, 1.0)[:, None]
    height = np.sqrt(np.maximum(1.0 - np.minimum(away, 1.0) ** 2, 0.0))
    return np.concatenate([flat, height[:, None]], axis=1)


def turns_between(start: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Rotations about a single axis from `start` to each of `ends`.

    The axis is start x end, so every dot moves in a plane parallel to that of both. To the opposite
    end of the rim the rotation passes the point nearest to the viewer.

    Args:
        start: (3,) unit vector.
        ends: (T, 3) unit vectors.

    Returns:
        (T, 3, 3).
    """
    axes = np.cross(start, ends)
    sine, cosine = np.linalg.norm(axes, axis=1), ends @ start
    over_the_front = np.cross(start, [0.0, 0.0, 1.0])
    is_opposite = (sine < LEAST_SINE) & (cosine < 0)
    axes = np.where(is_opposite[:, None], over_the_front, axes)
    length = np.linalg.norm(axes, axis=1)
    axes = axes / np.where(length > 0, length, 1.0)[:, None]
    x, y, z = axes.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    # Rodrigues' formula.
    bend = (1.0 - cosine)[:, None, None] * (cross @ cross)
    return np.eye(3) + sine[:, None, None] * cross + bend


def expand_sphere(
    layer: SphereLayer,
    *,
    frames: int,
    size: Size,
    drawn_on: Size,
    fps: float | None = None,
    before: int = 0,
) -> Tracks:
    """Dots on the near half of a ball, turned so that the grabbed point stays under the pointer.

    Track 0 is the grabbed point; the others are spread evenly at `spacing`. A dot is visible while
    the path is present and the dot faces the viewer. A pointer beside the ball acts on the nearest
    point of its rim. Points may lie outside the canvas.

    Args:
        layer: The sphere.
        frames: The number of frames T.
        size: The canvas of the tracks in pixels.
        drawn_on: The canvas that the path was drawn on, in pixels.
        fps: Frames per second, kept with the tracks.
        before: Dots of the layers before it, for the limits.

    Returns:
        Tracks (T, 1 + N) on `size`.

    Raises:
        ValueError: Naming the layer: what `sphere_points` or `sample_path` refuse.
    """
    with naming(layer):
        frames, size = checked_clip(frames, size)
        dots = sphere_points(layer.radius, layer.spacing)
        check_count(1 + len(dots), frames, REMEDY, before=before)
        path = sample_path(layer.path, frames=frames, size=size, drawn_on=drawn_on)
        center, radius = _ball(layer, size)
        under = directions_under(path.xy, center, radius)
        dots = np.concatenate([under[:1], dots])
        xy, faces_viewer = _turned(dots, turns_between(under[0], under), center, radius)
        visible = faces_viewer & path.present[:, None]
        ids = layer_ids(layer.id, len(dots))
        return Tracks(torch.from_numpy(xy), torch.from_numpy(visible), ids, size, fps)


def _ball(layer: SphereLayer, size: Size) -> tuple[np.ndarray, float]:
    return np.array(layer.center) * np.array(size), layer.radius * size.short_side


def _turned(
    dots: np.ndarray, turns: np.ndarray, center: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """(T, N, 2) float32 pixels and (T, N) whether each dot faces the viewer."""
    xy = np.empty((len(turns), len(dots), 2), dtype=np.float32)
    faces_viewer = np.empty((len(turns), len(dots)), dtype=bool)
    for frame, turn in enumerate(turns):
        moved = dots @ turn.T
        xy[frame] = center + radius * moved[:, :2]
        # On the rim z is zero up to rounding; a dot held there still faces the viewer.
        faces_viewer[frame] = moved[:, 2] >= -LEAST_SINE
    return xy, faces_viewer
