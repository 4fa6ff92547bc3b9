"""Surfaces of procedural things, with the statistics of photographs rather than of clip art.

Edges inside a texture say nothing about motion, and things may look like what is behind them:
a model that learns here must not take every sharp edge for a border of motion.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .scene import SIDE, Array

COARSEST = 4


def make_texture(rng: np.random.Generator) -> Array:
    """(S, S, 3) float32, about 0..1: one surface, lit unevenly, sometimes seen at a slant."""
    pick = rng.choice(len(KINDS), p=KIND_PROBABILITIES)
    texture = KINDS[pick](rng)
    if rng.random() < 0.3:
        texture = _tilt_in_perspective(rng, texture)
    return shade(texture, 1 + np.float32(rng.uniform(0, 0.5)) * noise(rng, octaves=2))


def noise(rng: np.random.Generator, octaves: int = 6, falloff: float = 1.0) -> Array:
    """(S, S) float32 with mean 0 and deviation about 0.5, coarse to fine by octaves.

    fall: how fast finer octaves lose weight; below zero the finest are the strongest.
    """
    import cv2

    weights = np.exp2(-falloff * np.arange(octaves)).astype(np.float32)
    weights *= np.float32(0.5) / np.sqrt((weights**2).sum())
    total = np.zeros((COARSEST, COARSEST), np.float32)
    for octave, weight in enumerate(weights):
        cells = COARSEST << octave
        total = cv2.resize(total, (cells, cells), interpolation=cv2.INTER_LINEAR)
        total += rng.standard_normal((cells, cells), np.float32) * weight
    return cv2.resize(total, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def shade(texture: Array, light: Array) -> Array:
    """A surface (S, S, 3) times light (S, S), within 0..1."""
    import cv2

    lit = cv2.multiply(texture, cv2.merge([light, light, light]))
    return np.clip(lit, 0, 1, out=lit)


def blend(below: Array, above: Array, mix: Array) -> Array:
    """(S, S, 3) `above` over `below` where the map (S, S) 0..1 says so."""
    import cv2

    return cv2.blendLinear(above, below, mix, 1 - mix)


def random_colour(rng: np.random.Generator) -> Array:
    """(3,) float32 a colour as photographs have them: seldom saturated."""
    light = rng.beta(2.0, 2.0)
    tint = rng.standard_normal(3) * rng.gamma(1.5, 0.07)
    return np.clip(light + tint - tint.mean(), 0.02, 0.98).astype(np.float32)


def _two_colours(rng: np.random.Generator, mix: Array) -> Array:
    """Two colours mixed by a map (S, S) 0..1."""
    first, second = random_colour(rng), random_colour(rng)
    if rng.random() < 0.5:
        second = first + (second - first) * np.float32(0.4)
    import cv2

    return cv2.merge([low + mix * (high - low) for low, high in zip(first, second, strict=True)])


def _grainy(rng: np.random.Generator, texture: Array, falloff: float, amount: float) -> Array:
    import cv2

    grain = noise(rng, falloff=falloff) * np.float32(amount)
    return cv2.add(texture, cv2.merge([grain, grain, grain]))


def _cloudy(rng: np.random.Generator) -> Array:
    mix = 0.5 + noise(rng, falloff=rng.uniform(0.2, 1.3)) * np.float32(rng.uniform(0.4, 1.6))
    return _grainy(rng, _two_colours(rng, np.clip(mix, 0, 1)), 0.2, rng.uniform(0, 0.15))


def _leaves(rng: np.random.Generator) -> Array:
    """Things over things, the model of dead leaves: edges at every scale."""
    import cv2

    picture = np.empty((SIDE, SIDE, 3), np.float32)
    base, spread = random_colour(rng), rng.uniform(0.05, 0.3)
    picture[:] = base
    count = int(rng.integers(30, 110))
    size = np.minimum(rng.pareto(1.6, count) * 5 + 3, 70)
    place = rng.uniform(0, SIDE, (count, 2))
    tone = np.clip(base + rng.standard_normal((count, 1)) * spread, 0, 1)
    tone = np.clip(tone + rng.standard_normal((count, 3)) * spread * 0.3, 0, 1)
    turn, ratio = rng.uniform(0, 180, count), rng.uniform(0.2, 1.0, count)
    for one in range(count):
        axes = (int(size[one]) + 1, int(size[one] * ratio[one]) + 1)
        centre = (int(place[one, 0]), int(place[one, 1]))
        cv2.ellipse(picture, centre, axes, turn[one], 0, 360, tone[one].tolist(), -1)
    return _grainy(rng, picture, 0.3, rng.uniform(0, 0.12))


def _stripes(rng: np.random.Generator) -> Array:
    x, y = _coordinates()
    angle, wave = rng.uniform(0, math.pi), rng.uniform(0.05, 0.8)
    phase = (x * math.cos(angle) + y * math.sin(angle)) * np.float32(wave)
    phase = phase + noise(rng, octaves=4) * np.float32(rng.uniform(0, 5))
    return _two_colours(rng, _contrast_curve(rng, np.sin(phase)))


def _weave(rng: np.random.Generator) -> Array:
    x, y = _coordinates()
    wave = rng.uniform(0.08, 0.6, 2).astype(np.float32)
    bent = noise(rng, octaves=3) * np.float32(rng.uniform(0, 2))
    phase = np.sin(x * wave[0] + bent) * np.sin(y * wave[1] + bent)
    return _grainy(rng, _two_colours(rng, _contrast_curve(rng, phase)), 0.4, 0.08)


def _fur(rng: np.random.Generator) -> Array:
    import cv2

    picture = _cloudy(rng).astype(np.float32)
    count = 260
    start = rng.uniform(0, SIDE, (count, 2))
    angle = rng.uniform(0, 2 * math.pi) + rng.normal(0, 0.35, count)
    length = rng.uniform(4, 26, count)
    stop = start + np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    shade = rng.normal(0, 0.14, count)
    tone = random_colour(rng)
    for one in range(count):
        ink = np.clip(tone + shade[one], 0, 1).tolist()
        ends = (start[one].astype(int).tolist(), stop[one].astype(int).tolist())
        cv2.line(picture, ends[0], ends[1], ink, int(1 + one % 2))
    return picture


def _plain(rng: np.random.Generator) -> Array:
    x, y = _coordinates()
    slope = (rng.normal(0, 0.6, 2) / SIDE).astype(np.float32)
    mix = np.clip(0.5 + (x - SIDE / 2) * slope[0] + (y - SIDE / 2) * slope[1], 0, 1)
    return _grainy(rng, _two_colours(rng, mix), 0.5, rng.uniform(0, 0.1))


def _spots(rng: np.random.Generator) -> Array:
    level = noise(rng, octaves=int(rng.integers(3, 6)), falloff=-0.4)
    return _two_colours(rng, _contrast_curve(rng, level * 3 - np.float32(rng.uniform(-0.5, 0.8))))


KINDS: tuple[Callable[[np.random.Generator], Array], ...] = (
    _cloudy,
    _leaves,
    _stripes,
    _weave,
    _fur,
    _plain,
    _spots,
)
KIND_PROBABILITIES = (0.28, 0.24, 0.08, 0.06, 0.1, 0.14, 0.1)


def _contrast_curve(rng: np.random.Generator, wave: Array) -> Array:
    """A wave in -1..1 made 0..1, as smooth or as sharp as chance wants."""
    return np.clip(0.5 + wave * np.float32(math.exp(rng.uniform(-0.7, 2.2))), 0, 1).astype(
        np.float32
    )


def _coordinates() -> tuple[Array, Array]:
    axis = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    x, y = np.meshgrid(axis, axis)
    return x, y


def texture_variant(rng: np.random.Generator, texture: Array) -> Array:
    """Another surface of the same make: turned over, and in other colours more or less."""
    import cv2

    turned = np.ascontiguousarray(np.rot90(texture, int(rng.integers(4))))
    if rng.random() < 0.5:
        turned = cv2.flip(turned, 1)
    middle = np.array(cv2.mean(turned)[:3])
    mixing = np.eye(3) * math.exp(rng.normal(0, 0.25)) + rng.normal(0, rng.uniform(0, 0.4), (3, 3))
    shift = middle + (random_colour(rng) - middle) * rng.beta(1.0, 1.2)
    table = np.concatenate([mixing, (shift - mixing @ middle)[:, None]], axis=1)
    return np.clip(cv2.transform(turned, table.astype(np.float32)), 0, 1)


def _tilt_in_perspective(rng: np.random.Generator, texture: Array) -> Array:
    import cv2

    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * SIDE
    bent = corners + rng.uniform(-0.35, 0.35, (4, 2)).astype(np.float32) * SIDE
    warp = cv2.getPerspectiveTransform(bent, corners)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(
        texture.astype(np.float32), warp, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
