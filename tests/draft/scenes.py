"""Rendered scenes whose motion is known at every pixel: discs over a background, in closed form."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """Turn and zoom about a centre, then shift: the motion of a thing up to the last frame."""

    shift: tuple[float, float] = (0, 0)
    turn_deg: float = 0
    zoom: float = 1

    def forward(self, points: Array, centre: Array, part: float) -> Array:
        """Where points (..., 2) are when `part` of the motion is done."""
        arm = (points - centre) @ self._matrix(part).T
        return centre + arm + part * np.array(self.shift)

    def backward(self, points: Array, centre: Array, part: float) -> Array:
        """Where points (..., 2) visible then came from."""
        arm = points - centre - part * np.array(self.shift)
        return centre + arm @ np.linalg.inv(self._matrix(part)).T

    def _matrix(self, part: float) -> Array:
        angle = np.deg2rad(self.turn_deg * part)
        zoom = 1 + (self.zoom - 1) * part
        cos, sin = np.cos(angle), np.sin(angle)
        return zoom * np.array([[cos, -sin], [sin, cos]])


@dataclass(frozen=True)
class Disc:
    """A textured disc and its motion."""

    centre: tuple[float, float]
    radius: float
    move: Move
    colour: tuple[float, float, float] = (0.75, 0.4, 0.3)


@dataclass(frozen=True)
class Scene:
    """Discs, later ones on top, over a background that moves about the middle of the canvas."""

    size: Size = Size(256, 256)
    discs: tuple[Disc, ...] = ()
    camera: Move = field(default_factory=Move)
    frames: int = 9

    def part(self, frame: int) -> float:
        """How much of the motion is done at a frame."""
        return frame / (self.frames - 1)

    def middle(self) -> Array:
        """The centre of the camera's motion."""
        return np.array(self.size) / 2

    def picture(self) -> torch.Tensor:
        """Frame 0, (H, W, 3)."""
        return self.frame(0)

    def frame(self, frame: int) -> torch.Tensor:
        """What a camera would see, (H, W, 3); behind the edge the texture goes on."""
        origin, layer, _ = self.origins(frame)
        colours = np.stack([texture(origin, seed, (0.45, 0.5, 0.55)) for seed in (1, 2, 3)], -1)
        for index, disc in enumerate(self.discs):
            inside = layer == index + 1
            for channel, level in enumerate(disc.colour):
                colours[inside, channel] = texture(origin[inside], 10 + index, (level,) * 3)
        return torch.from_numpy(colours.astype(np.float32))

    def origins(self, frame: int) -> tuple[Array, NDArray[np.int64], NDArray[np.bool_]]:
        """Where each pixel came from (H, W, 2), which layer it shows (0 is the background), and
        whether that place was in sight in frame 0."""
        part = self.part(frame)
        points = pixel_centres(self.size)
        origin = self.camera.backward(points, self.middle(), part)
        layer = np.zeros(points.shape[:2], np.int64)
        for index, disc in enumerate(self.discs):
            centre = np.array(disc.centre)
            back = disc.move.backward(points, centre, part)
            inside = np.hypot(*np.moveaxis(back - centre, -1, 0)) <= disc.radius
            origin[inside], layer[inside] = back[inside], index + 1
        sight = np.all((origin >= 0.5) & (origin <= np.array(self.size) - 0.5), axis=-1)
        for index, disc in enumerate(self.discs):
            covered = np.hypot(*np.moveaxis(origin - disc.centre, -1, 0)) <= disc.radius
            sight &= ~(covered & (layer <= index))
        return origin, layer, sight

    def tracks(self, *, inside: float = 8, outside: float = 16, gap: float = 6) -> Tracks:
        """Exact tracks on lattices: `inside` the discs and `outside` of them, a gap apart.

        A point of the background is visible while no disc hides it and it is on the canvas.
        """
        paths, visible = [], []
        ground = lattice(self.size, outside)
        for disc in self.discs:
            ground = ground[np.hypot(*(ground - disc.centre).T) > disc.radius + gap]
            points = lattice(self.size, inside)
            points = points[np.hypot(*(points - disc.centre).T) < disc.radius - gap / 2]
            self._follow(points, disc.move, np.array(disc.centre), paths, visible, None)
        self._follow(ground, self.camera, self.middle(), paths, visible, self.discs)
        return make_tracks(
            torch.from_numpy(np.concatenate(paths, axis=1)),
            self.size,
            visible=torch.from_numpy(np.concatenate(visible, axis=1)),
        )

    def _follow(self, points, move, centre, paths, visible, hidden_by) -> None:
        path = np.stack([move.forward(points, centre, self.part(t)) for t in range(self.frames)])
        in_sight = np.all((path >= 0) & (path < np.array(self.size)), axis=-1)
        for disc in hidden_by or ():
            for t in range(self.frames):
                back = disc.move.backward(path[t], np.array(disc.centre), self.part(t))
                in_sight[t] &= np.hypot(*(back - disc.centre).T) > disc.radius
        paths.append(path)
        visible.append(in_sight)


def pixel_centres(size: Size) -> Array:
    """(H, W, 2)."""
    return np.stack(np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5), -1)


def lattice(size: Size, spacing: float) -> Array:
    """(N, 2) points of a square lattice."""
    axes = [np.arange(spacing / 2, side, spacing) for side in size]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def texture(points: Array, seed: int, level: tuple[float, float, float]) -> Array:
    """A smooth random pattern around a level, defined on the whole plane."""
    random = np.random.default_rng(seed)
    value = np.full(points.shape[:-1], level[seed % 3])
    for _ in range(12):
        wave = random.normal(size=2) * 0.12
        value += 0.035 * np.cos(points @ wave + random.uniform(0, 2 * np.pi))
    return np.clip(value, 0, 1)


PINNED_DRAG = Scene(discs=(Disc((100, 128), 44, Move((70, 20))),))
SCENES: dict[str, Scene] = {
    "drag": PINNED_DRAG,
    "turn": Scene(discs=(Disc((128, 128), 50, Move((10, 0), turn_deg=70)),)),
    "grow": Scene(discs=(Disc((128, 128), 36, Move(zoom=1.7)),)),
    "two": Scene(
        discs=(
            Disc((80, 90), 34, Move((70, 0)), (0.3, 0.6, 0.3)),
            Disc((170, 170), 34, Move((-70, -20))),
        )
    ),
    "large": Scene(discs=(Disc((128, 128), 104, Move((20, 8))),)),
    "still thing": Scene(discs=(Disc((150, 128), 40, Move()),), camera=Move((-40, 6))),
    "camera": Scene(camera=Move((24, -10), turn_deg=6, zoom=1.15)),
    "camera and drag": Scene(
        discs=(Disc((110, 128), 40, Move((60, 0))),), camera=Move((-24, 8), zoom=1.05)
    ),
}
