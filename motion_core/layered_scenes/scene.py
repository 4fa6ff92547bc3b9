"""A scene: flat layers over each other, each moved by a map that is known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Size

SIDE = 256
GRID = 64
CANVAS = Size(SIDE, SIDE)
# A place belongs to a layer where it covers more than this.
COVERED = 0.5
# OpenCV limits the sides of maps, so lists of places are folded into rows of this many.
MAP_WIDTH = 1024

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Bend:
    """A wave along one axis that displaces across it, so that it can be undone in closed form.

    centre: (2,) pixels. angle: of the axis that is displaced, radians. frequency: radians per
    pixel of the other axis. amount, phase: (T,) pixels and radians; amount is 0 in frame 0.
    """

    centre: Array
    angle: float
    frequency: float
    amount: Array
    phase: Array

    def offset(self, points: Array) -> Array:
        """(T, K, 2) displacements of points (K, 2) or (T, K, 2), the same before and after."""
        across = np.array([-math.sin(self.angle), math.cos(self.angle)])
        along = np.array([math.cos(self.angle), math.sin(self.angle)])
        place = (points - self.centre) @ across
        wave = np.sin(self.frequency * place + self.phase[:, None]) * self.amount[:, None]
        return wave[..., None] * along


@dataclass(frozen=True, eq=False)
class Relief:
    """Nearness of a background: what is nearer moves further when the camera does.

    weight: (S, S) float32 smooth, pixels of motion per pixel of `shift`. shift: (T, 2) pixels.
    """

    weight: Array
    shift: Array

    def offset(self, points: Array) -> Array:
        """(T, K, 2) displacements of points (K, 2) or (T, K, 2)."""
        weight = sample(self.weight, points)
        return weight[..., None] * self.shift[:, None]


@dataclass(frozen=True, eq=False)
class Layer:
    """One flat thing, drawn where it is in frame 0.

    pose:  (T, 3, 3) float64 maps of frame-0 pixels to frame t; the identity in frame 0.
    alpha: (S, S) float32 0..1, or None for a background that is everywhere.
    thing: layers with the same number are parts of one thing.
    paint: (S, S, 3) float32 0..1, or None when nobody will draw the scene again.
    """

    pose: Array
    alpha: Array | None
    object_id: int
    texture: Array | None = None
    bend: Bend | None = None
    relief: Relief | None = None
    shadow: float = 0.0

    def forward(self, points: Array) -> Array:
        """Where points (K, 2) of frame 0 are in every frame: (T, K, 2)."""
        moved = np.broadcast_to(points, (len(self.pose), *points.shape))
        for warp in (self.bend, self.relief):
            if warp is not None:
                moved = moved + warp.offset(points)
        return _mapped(self.pose, moved)

    def backward(self, points: Array) -> Array:
        """Where points (T, K, 2) of every frame come from in frame 0: (T, K, 2)."""
        placed = _mapped(np.linalg.inv(self.pose), points)
        if self.relief is not None:
            source = placed
            for _ in range(12):
                source = placed - self.relief.offset(source)
            return source
        return placed if self.bend is None else placed - self.bend.offset(placed)

    def covers(self, points: Array) -> Array:
        """(T, K) whether it lies over points (T, K, 2) of every frame."""
        return sample(self.alpha, self.backward(points)) > COVERED


@dataclass(frozen=True)
class Lens:
    """What a camera adds to a scene: blur (sigma in pixels), grain, contrast and compression.

    quality: of JPEG, or None for none.
    """

    blur: float = 0.0
    grain: float = 0.0
    contrast: float = 1.0
    quality: int | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers from bottom to top, the first a background, and the picture they give in frame 0.

    image: (S, S, 3) uint8. seed: what the scene was made from. lens: what it was seen through.
    """

    image: Array
    layers: tuple[Layer, ...]
    seed: int
    lens: Lens = Lens()

    @property
    def frames(self) -> int:
        """T."""
        return len(self.layers[0].pose)

    def top_layer(self, points: Array) -> Array:
        """(K,) which layer is seen at points (K, 2) of frame 0."""
        top_layer = np.zeros(len(points), np.int64)
        for index, layer in enumerate(self.layers[1:], start=1):
            top_layer[sample(layer.alpha, points) > COVERED] = index
        return top_layer

    def follow(self, points: Array) -> tuple[Array, Array, Array]:
        """What is seen at points (K, 2) of frame 0, followed exactly.

        Returns positions (T, K, 2) float32, whether each is visible (T, K), and its layer (K,).
        """
        top_layer = self.top_layer(points)
        xy = np.empty((self.frames, len(points), 2))
        hidden = np.zeros((self.frames, len(points)), bool)
        for index, layer in enumerate(self.layers):
            mine = np.flatnonzero(top_layer == index)
            if not len(mine):
                continue
            place = layer.forward(points[mine])
            covered = np.zeros(place.shape[:2], bool)
            for above in self.layers[index + 1 :]:
                covered |= above.covers(place)
            xy[:, mine], hidden[:, mine] = place, covered
        visible = ((xy >= 0) & (xy < SIDE)).all(-1) & ~hidden
        # Rounding may put a point just behind the very edge that it was found on.
        visible[0] = True
        return xy.astype(np.float32), visible, top_layer

    def field(self, grid: int = GRID) -> tuple[Array, Array, Array]:
        """The dense motion: displacement (T, G, G, 2) pixels, visible and layer (G, G)."""
        points = grid_points(grid)
        xy, visible, top_layer = self.follow(points)
        shape = (self.frames, grid, grid)
        shift = (xy - points.astype(np.float32)).reshape(*shape, 2)
        return shift, visible.reshape(shape), top_layer.reshape(grid, grid)


def grid_points(grid: int) -> Array:
    """(G * G, 2) float64 pixels: the centres of the cells of a grid over the picture."""
    axis = (np.arange(grid) + 0.5) * (SIDE / grid)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def sample(picture: Array | None, points: Array) -> Array:
    """Bilinear values of (S, S) at points (..., 2) in pixels; 0 outside, for a background 1."""
    import cv2

    if picture is None:
        return np.ones(points.shape[:-1], np.float32)
    flat = points.reshape(-1, 2)
    rows = max(1, -(-len(flat) // MAP_WIDTH))
    maps = np.zeros((2, rows * MAP_WIDTH), np.float32)
    maps[:, : len(flat)] = flat.T - 0.5
    across, along = maps.reshape(2, rows, MAP_WIDTH)
    values = cv2.remap(picture, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return values.reshape(-1)[: len(flat)].reshape(points.shape[:-1])


def _mapped(pose: Array, points: Array) -> Array:
    """(T, 3, 3) maps of the plane applied to points (T, K, 2)."""
    x, y = points[..., 0], points[..., 1]
    rows = [pose[:, None, row] for row in range(3)]
    out = np.empty(points.shape)
    for axis, row in enumerate(rows[:2]):
        out[..., axis] = x * row[..., 0] + y * row[..., 1] + row[..., 2]
    if np.any(pose[:, 2, :2]):
        out /= np.maximum(x * rows[2][..., 0] + y * rows[2][..., 1] + rows[2][..., 2], 0.1)[
            ..., None
        ]
    return out
