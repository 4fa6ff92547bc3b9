"""A second scene generator with other textures, shapes and motions, for evaluation only.

Errors on its scenes show how a model generalises beyond the generator of training.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..tracks.arguments import whole_number
from .paths import rotations_about, translations
from .rendering import random_lens, render_first_frame
from .scene import SIDE, Array, Layer, Scene
from .scenes import FRAMES
from .shapes import coverage

# Above all seeds of `Split`.
FIRST_SEED = 1 << 50
MOST_OBJECTS = 4


def make_other_scene(index: int, frames: int = FRAMES, *, keep_textures: bool = False) -> Scene:
    """Scene `index` of the second generator. The same index and frames always give the same scene.

    Tiles, marble and rays; stars, gears, rings of beads and letters; orbits, bounces, spins and a
    circling camera.

    Args:
        index: 0..2^40-1.
        frames: T, at least 1.
        keep_textures: Keep the textures, which `render_frames` needs.

    Raises:
        TypeError, ValueError: index or frames is not a whole number in range.
    """
    whole_number("frames", frames, least=1)
    seed = FIRST_SEED + whole_number("scene index", index, most=(1 << 40) - 1)
    rng = np.random.default_rng(seed)
    camera = _circling_camera(rng, frames)
    layers = [Layer(camera, None, 0, _random_texture(rng))]
    for object_id in range(int(rng.integers(1, MOST_OBJECTS + 1))):
        centre = rng.uniform(0.1, 0.9, 2) * SIDE
        radius = float(rng.uniform(18, 70))
        alpha = coverage(_shape(rng, centre, radius), rng.uniform(0.4, 1.2))
        pose = camera @ _motion(rng, frames, centre)
        layers.append(Layer(pose, alpha, object_id + 1, _random_texture(rng)))
    lens = random_lens(rng)
    image = render_first_frame(tuple(layers), lens, rng)
    if not keep_textures:
        layers = [replace(layer, texture=None) for layer in layers]
    return Scene(image, tuple(layers), seed, lens)


def _random_texture(rng: np.random.Generator) -> Array:
    kinds = (_tiles, _marble, _rays)
    return np.clip(kinds[int(rng.integers(len(kinds)))](rng), 0, 1).astype(np.float32)


def _tiles(rng: np.random.Generator) -> Array:
    """Voronoi cells of random points."""
    count = int(rng.integers(12, 90))
    seeds = rng.uniform(0, SIDE, (count, 2)).astype(np.float32)
    axis = np.arange(0, SIDE, 2, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    apart = (x[..., None] - seeds[:, 0]) ** 2 + (y[..., None] - seeds[:, 1]) ** 2
    nearest = apart.argmin(axis=-1).repeat(2, 0).repeat(2, 1)
    tone = rng.uniform(0, 1, 3) + rng.normal(0, 0.15, (count, 1)) + rng.normal(0, 0.06, (count, 3))
    return tone[nearest]


def _marble(rng: np.random.Generator) -> Array:
    """Sums of a few waves that distort each other."""
    x, y = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))
    for _ in range(3):
        a, b = rng.uniform(1, 5, 2)
        x, y = x + 0.3 * np.sin(a * y + rng.uniform(0, 6)), y + 0.3 * np.sin(b * x)
    mix = 0.5 + 0.5 * np.sin(rng.uniform(2, 12) * x + rng.uniform(2, 12) * y)
    first, second = rng.uniform(0, 1, (2, 3))
    return first + mix[..., None] * (second - first)


def _rays(rng: np.random.Generator) -> Array:
    """Rings and spokes around a point."""
    centre = rng.uniform(-0.5, 1.5, 2) * SIDE
    x, y = np.meshgrid(np.arange(SIDE) - centre[0], np.arange(SIDE) - centre[1])
    spokes = np.sin(int(rng.integers(3, 20)) * np.arctan2(y, x))
    rings = np.sin(np.hypot(x, y) * rng.uniform(0.03, 0.4))
    mix = 0.5 + 0.25 * spokes + 0.25 * rings
    first, second = rng.uniform(0, 1, (2, 3))
    return first + mix[..., None] * (second - first)


def _shape(rng: np.random.Generator, centre: Array, radius: float) -> list[Array]:
    kind = int(rng.integers(4))
    angle = np.linspace(0, 2 * math.pi, 80, endpoint=False)
    teeth = int(rng.integers(4, 10))
    if kind == 0:
        reach = np.where((angle * teeth / math.pi).astype(int) % 2 == 0, 1.0, rng.uniform(0.4, 0.8))
    elif kind == 1:
        reach = 0.65 + 0.35 * np.abs(np.cos(angle * teeth / 2))
    elif kind == 2:
        return _beads(rng, centre, radius)
    else:
        return _letter(rng, centre, radius)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return [centre + ring * reach[:, None] * radius]


def _beads(rng: np.random.Generator, centre: Array, radius: float) -> list[Array]:
    angle = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius * 0.35
    along = np.linspace(-1, 1, int(rng.integers(4, 8)))
    turn = rng.uniform(0, math.pi)
    curve = np.stack([along, rng.uniform(-0.6, 0.6) * along**2], axis=1) * radius
    cos, sin = math.cos(turn), math.sin(turn)
    places = centre + curve @ np.array([[cos, sin], [-sin, cos]])
    return [place + circle for place in places]


def _letter(rng: np.random.Generator, centre: Array, radius: float) -> list[Array]:
    """Thick strokes: an L, a T, an H or an X."""
    strokes = {
        "L": [(-1, -1, -1, 1), (-1, 1, 0.7, 1)],
        "T": [(-1, -1, 1, -1), (0, -1, 0, 1)],
        "H": [(-0.8, -1, -0.8, 1), (0.8, -1, 0.8, 1), (-0.8, 0, 0.8, 0)],
        "X": [(-0.9, -1, 0.9, 1), (0.9, -1, -0.9, 1)],
    }
    chosen = strokes[str(rng.choice(list(strokes)))]
    outlines = []
    for x0, y0, x1, y1 in chosen:
        start, stop = np.array([x0, y0]) * radius, np.array([x1, y1]) * radius
        ahead = (stop - start) / np.linalg.norm(stop - start) * radius * 0.25
        side = np.array([-ahead[1], ahead[0]])
        corners = [start - ahead + side, stop + ahead + side, stop + ahead - side]
        outlines.append(centre + np.array([*corners, start - ahead - side]))
    return outlines


def _motion(rng: np.random.Generator, frames: int, centre: Array) -> Array:
    t = np.linspace(0, 1, frames)
    kind = int(rng.integers(4))
    one = np.ones(frames)
    if kind == 0:
        hub = centre + rng.uniform(20, 80) * _heading(rng)
        return rotations_about(hub, rng.uniform(-1.8, 1.8) * t, one)
    if kind == 1:
        bounce = np.abs(np.cos(math.pi * rng.uniform(0.5, 2.0) * t)) - 1
        drift = rng.uniform(-60, 60) * t
        return translations(np.stack([drift, -bounce * rng.uniform(20, 90)], axis=1))
    if kind == 2:
        return rotations_about(centre, rng.uniform(-2.0, 2.0) * t, np.exp(rng.normal(0, 0.3) * t))
    return translations(_heading(rng) * rng.uniform(0, 110) * (t**2)[:, None])


def _circling_camera(rng: np.random.Generator, frames: int) -> Array:
    if rng.random() < 0.4:
        return translations(np.zeros((frames, 2)))
    angle = np.linspace(0, rng.uniform(-2.5, 2.5), frames)
    start = rng.uniform(0, 2 * math.pi)
    reach = rng.uniform(8, 35)
    circle = np.stack([np.cos(start + angle), np.sin(start + angle)], axis=1) * reach
    zoom = np.exp(np.linspace(0, rng.normal(0, 0.12), frames))
    middle = np.array([SIDE / 2, SIDE / 2])
    return translations(circle - circle[0]) @ rotations_about(middle, np.zeros(frames), zoom)


def _heading(rng: np.random.Generator) -> Array:
    angle = rng.uniform(0, 2 * math.pi)
    return np.array([math.cos(angle), math.sin(angle)])
