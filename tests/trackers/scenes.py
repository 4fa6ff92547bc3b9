"""Clips whose motion is known at every point: textured discs over a textured ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

Array = NDArray[np.float64]
SUBFRAMES = 4


@dataclass(frozen=True)
class Motion:
    """Turn and zoom about a centre, then shift, at time u of 0..1.

    swing: the shift goes there and back in this many half periods of a sine; 0 for a straight line.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    zoom: float = 1.0
    swing: int = 0

    def _parts(self, u: float) -> tuple[Array, Array]:
        angle = np.deg2rad(self.turn_deg * u)
        scale = self.zoom**u
        cos, sin = np.cos(angle), np.sin(angle)
        way = np.sin(np.pi * self.swing * u) if self.swing else u
        return scale * np.array([[cos, -sin], [sin, cos]]), way * np.array(self.shift)

    def forward(self, points: Array, centre: Array, u: float) -> Array:
        """Where points (..., 2) of time 0 are at time u."""
        matrix, shift = self._parts(u)
        return centre + (points - centre) @ matrix.T + shift

    def backward(self, points: Array, centre: Array, u: float) -> Array:
        """Where points (..., 2) seen at time u were at time 0."""
        matrix, shift = self._parts(u)
        return centre + (points - centre - shift) @ np.linalg.inv(matrix).T


@dataclass(frozen=True)
class Disc:
    """A textured disc."""

    centre: tuple[float, float]
    radius: float
    motion: Motion


@dataclass(frozen=True)
class Clip:
    """A scene. blur: share of the time between frames that the shutter is open; noise: deviation
    of what is added to every pixel, of 1."""

    ground: Motion = Motion()
    discs: tuple[Disc, ...] = ()
    size: Size = Size(256, 256)
    frames: int = 24
    blur: float = 0.0
    noise: float = 0.0
    seed: int = 0

    def time(self, frame: float) -> float:
        """u of a frame."""
        return frame / max(1, self.frames - 1)

    def video(self) -> torch.Tensor:
        """(T, H, W, 3) uint8."""
        random = np.random.default_rng(self.seed + 100)
        pictures = []
        for frame in range(self.frames):
            opened = np.linspace(-0.5, 0.5, SUBFRAMES) * self.blur if self.blur else [0.0]
            picture = np.mean([self._draw(self.time(frame + part)) for part in opened], axis=0)
            picture = (
                picture + random.normal(0, self.noise, picture.shape) if self.noise else picture
            )
            pictures.append((np.clip(picture, 0, 1) * 255).round().astype(np.uint8))
        return torch.from_numpy(np.stack(pictures))

    def truth(self, queries: torch.Tensor) -> Tracks:
        """Exact tracks of queries (N, 3): frame, x, y, each on what is on top there."""
        places, layers = [], []
        for frame, *point in queries.double().tolist():
            place, layer = self._what(np.array(point), self.time(frame))
            places.append(place)
            layers.append(layer)
        origin, layer = np.array(places).reshape(-1, 2), np.array(layers, dtype=int)
        xy = np.stack([self._follow(origin, layer, self.time(t)) for t in range(self.frames)])
        visible = np.all((xy >= 0) & (xy < np.array(self.size)), axis=-1)
        for t in range(self.frames):
            for number, disc in enumerate(self.discs, start=1):
                back = disc.motion.backward(xy[t], np.array(disc.centre), self.time(t))
                covered = np.hypot(*(back - disc.centre).T) <= disc.radius
                visible[t] &= ~(covered & (layer < number))
        return make_tracks(torch.from_numpy(xy), self.size, visible=torch.from_numpy(visible))

    def _middle(self) -> Array:
        return np.array(self.size) / 2

    def _what(self, point: Array, u: float) -> tuple[Array, int]:
        for number in range(len(self.discs), 0, -1):
            disc = self.discs[number - 1]
            back = disc.motion.backward(point, np.array(disc.centre), u)
            if np.hypot(*(back - disc.centre)) <= disc.radius:
                return back, number
        return self.ground.backward(point, self._middle(), u), 0

    def _follow(self, origin: Array, layer: NDArray, u: float) -> Array:
        places = self.ground.forward(origin, self._middle(), u)
        for number, disc in enumerate(self.discs, start=1):
            mine = layer == number
            places[mine] = disc.motion.forward(origin[mine], np.array(disc.centre), u)
        return places

    def _draw(self, u: float) -> Array:
        x, y = np.arange(self.size.width) + 0.5, np.arange(self.size.height) + 0.5
        pixels = np.stack(np.meshgrid(x, y), -1)
        picture = texture(self.seed, self.ground.backward(pixels, self._middle(), u))
        for number, disc in enumerate(self.discs, start=1):
            back = disc.motion.backward(pixels, np.array(disc.centre), u)
            # An edge one pixel wide, as a camera would see it.
            apart = disc.radius - np.hypot(*np.moveaxis(back - disc.centre, -1, 0))
            cover = np.clip(apart + 0.5, 0, 1)[..., None]
            picture = (1 - cover) * picture + cover * texture(self.seed + 10 * number, back)
        return picture


def texture(seed: int, points: Array) -> Array:
    """(..., 3) colours 0..1 of a pattern without an end: noise of several scales."""
    maps = np.moveaxis(points - 0.5, -1, 0).astype(np.float32)
    return cv2.remap(_tile(seed), maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)


@lru_cache(maxsize=4)
def _tile(seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    tile = np.zeros((256, 256, 3), np.float32)
    for sigma, weight in ((2.0, 1.0), (5.0, 1.0), (14.0, 1.2)):
        noise = random.normal(size=tile.shape).astype(np.float32)
        layer = cv2.GaussianBlur(np.tile(noise, (3, 3, 1)), (0, 0), sigma)[256:512, 256:512]
        tile += np.float32(weight / layer.std()) * layer
    return 0.5 + np.float32(0.13) * tile


def _crossing(speed: float) -> tuple[Disc, ...]:
    return (Disc((20.0, 120.0), 34.0, Motion((speed, 10.0))),)


UNOCCLUDED: dict[str, Clip] = {
    "shift": Clip(Motion((40.0, -18.0))),
    "rotation": Clip(Motion(turn_deg=50.0), seed=1),
    "zoom in": Clip(Motion(zoom=1.6), seed=2),
    "zoom out": Clip(Motion(zoom=0.65), seed=3),
    "turn, zoom and shift": Clip(Motion((20.0, 12.0), -35.0, 1.3), seed=4),
    "motion blur": Clip(Motion((90.0, 20.0), 10.0), blur=0.8, seed=5),
    "noise": Clip(Motion((30.0, 10.0), 15.0), noise=0.04, seed=6),
}
OCCLUDED: dict[str, Clip] = {
    "disc over ground": Clip(discs=_crossing(200.0), seed=7),
    "disc, moving camera": Clip(Motion((-30.0, 6.0), 8.0), _crossing(190.0), seed=8),
    "two discs": Clip(
        discs=(
            Disc((60.0, 100.0), 36.0, Motion((120.0, 10.0), 25.0)),
            Disc((196.0, 130.0), 36.0, Motion((-130.0, -10.0))),
        ),
        seed=9,
    ),
    "out and back": Clip(Motion((70.0, 20.0), swing=1), seed=10),
    "disc, blur and noise": Clip(
        Motion((20.0, 0.0)), _crossing(180.0), blur=0.5, noise=0.02, seed=11
    ),
}
CLIPS: dict[str, Clip] = UNOCCLUDED | OCCLUDED
QUERIES: dict[str, Callable[[Clip], int]] = {
    "first": lambda clip: 0,
    "middle": lambda clip: clip.frames // 2,
    "last": lambda clip: clip.frames - 1,
}
