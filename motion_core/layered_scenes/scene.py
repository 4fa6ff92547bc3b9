"""A scene: flat layers over each other, each moved by an exactly known map."""

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
# A point belongs to a layer whose coverage there exceeds this.
COVERED = 0.5
# OpenCV limits the sides of maps, so lists of points are folded into rows of this many.
MAP_WIDTH = 1024

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Bend:
    """A wave along one axis that displaces along the other; its inverse is exact.

    Attributes:
        centre: (2,) pixels.
        angle: Of the axis along which points are displaced, radians.
        frequency: Radians per pixel of the other axis.
        amount: (T,) pixels, 0 in frame 0.
        phase: (T,) radians.
    """

    centre: Array
    angle: float
    frequency: float
    amount: Array
    phase: Array

    def offset(self, points: Array) -> Array:
        """(T, K, 2) displacements of points (K, 2) or (T, K, 2), given before or after the bend."""
        across = np.array([-math.sin(self.angle), math.cos(self.angle)])
        along = np.array([math.cos(self.angle), math.sin(self.angle)])
        place = (points - self.centre) @ across
        wave = np.sin(self.frequency * place + self.phase[:, None]) * self.amount[:, None]
        return wave[..., None] * along


@dataclass(frozen=True, eq=False)
class Relief:
    """Parallax within a background.

    Attributes:
        weight: (S, S) float32, smooth: pixels of motion per pixel of `shift`.
        shift: (T, 2) pixels.
    """

    weight: Array
    shift: Array

    def offset(self, points: Array) -> Array:
        """(T, K, 2) displacements of points (K, 2) or (T, K, 2)."""
        weight = sample(self.weight, points)
        return weight[..., None] * self.shift[:, None]


@dataclass(frozen=True, eq=False)
class Layer:
    """One flat layer, given where it is in frame 0.

    Attributes:
        pose: (T, 3, 3) float64 homographies from frame 0 to frame t; the identity in frame 0.
        alpha: (S, S) float32 coverage 0..1, or None for a background that covers everything.
        object_id: Layers with the same number are parts of one object.
        texture: (S, S, 3) float32 0..1, or None when the scene is not rendered again.
        bend: Applied before the pose.
        relief: Applied before the pose.
        shadow: 0..1, how much the layer darkens what is below it.
    """

    pose: Array
    alpha: Array | None
    object_id: int
    texture: Array | None = None
    bend: Bend | None = None
    relief: Relief | None = None
    shadow: float = 0.0

    def forward(self, points: Array) -> Array:
        """(T, K, 2) positions in every frame of points (K, 2) of frame 0."""
        moved = np.broadcast_to(points, (len(self.pose), *points.shape))
        for warp in (self.bend, self.relief):
            if warp is not None:
                moved = moved + warp.offset(points)
        return map_points(self.pose, moved)

    def backward(self, points: Array) -> Array:
        """(T, K, 2) positions in frame 0 of points (T, K, 2) of every frame."""
        placed = map_points(np.linalg.inv(self.pose), points)
        if self.relief is not None:
            source = placed
            for _ in range(12):
                source = placed - self.relief.offset(source)
            return source
        return placed if self.bend is None else placed - self.bend.offset(placed)

    def covers(self, points: Array) -> Array:
        """(T, K) bool: whether the layer covers points (T, K, 2) of every frame."""
        return sample(self.alpha, self.backward(points)) > COVERED


@dataclass(frozen=True)
class Lens:
    """Degradation of the rendered image.

    Attributes:
        blur: Sigma of a Gaussian, pixels.
        grain: Standard deviation of noise, 0..1.
        contrast: Factor about middle grey.
        quality: Of JPEG compression, or None for none.
    """

    blur: float = 0.0
    grain: float = 0.0
    contrast: float = 1.0
    quality: int | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers and the image they give in frame 0.

    Attributes:
        image: (S, S, 3) uint8, frame 0.
        layers: From bottom to top; the first is the background.
        seed: Of the generator.
        lens: Applied to `image`.
    """

    image: Array
    layers: tuple[Layer, ...]
    seed: int
    lens: Lens = Lens()

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return len(self.layers[0].pose)

    def top_layer(self, points: Array) -> Array:
        """(K,) index of the layer in view at points (K, 2) of frame 0."""
        top_layer = np.zeros(len(points), np.int64)
        for index, layer in enumerate(self.layers[1:], start=1):
            top_layer[sample(layer.alpha, points) > COVERED] = index
        return top_layer

    def follow(self, points: Array) -> tuple[Array, Array, Array]:
        """The exact tracks of points (K, 2) of frame 0.

        Returns:
            Positions (T, K, 2) float32 in pixels, visibility (T, K) bool, and layers (K,).
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
        # Rounding may put a point just behind the edge of its own layer.
        visible[0] = True
        return xy.astype(np.float32), visible, top_layer

    def field(self, grid: int = GRID) -> tuple[Array, Array, Array]:
        """The dense motion of a grid of G x G cells.

        Returns:
            Displacement (T, G, G, 2) in pixels, visibility (T, G, G) bool, and the layer in view in
            frame 0 (G, G).
        """
        points = grid_points(grid)
        xy, visible, top_layer = self.follow(points)
        shape = (self.frames, grid, grid)
        shift = (xy - points.astype(np.float32)).reshape(*shape, 2)
        return shift, visible.reshape(shape), top_layer.reshape(grid, grid)


def grid_points(grid: int) -> Array:
    """(G * G, 2) float64 pixels: the centres of the cells of a grid over the image."""
    axis = (np.arange(grid) + 0.5) * (SIDE / grid)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def sample(values: Array | None, points: Array) -> Array:
    """Bilinear values of a map (S, S) at points (..., 2) in pixels: 0 outside, 1 for None."""
    import cv2

    if values is None:
        return np.ones(points.shape[:-1], np.float32)
    flat = points.reshape(-1, 2)
    rows = max(1, -(-len(flat) // MAP_WIDTH))
    maps = np.zeros((2, rows * MAP_WIDTH), np.float32)
    maps[:, : len(flat)] = flat.T - 0.5
    across, along = maps.reshape(2, rows, MAP_WIDTH)
    sampled = cv2.remap(values, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return sampled.reshape(-1)[: len(flat)].reshape(points.shape[:-1])


def map_points(pose: Array, points: Array) -> Array:
    """(T, K, 2) points moved by the homographies (T, 3, 3) of their frames."""
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
