"""Procedural textures with the statistics of photographs.

Edges within a texture carry no information about motion, and objects may resemble their
background, so that a model trained on them does not take every sharp edge for a motion boundary.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .scene import SIDE, Array

# Side of the coarsest octave of noise.
COARSEST = 4


def make_texture(rng: np.random.Generator) -> Array:
    """(S, S, 3) float32, about 0..1: a random texture with uneven light, sometimes slanted."""
    pick = rng.choice(len(KINDS), p=KIND_PROBABILITIES)
    texture = KINDS[pick](rng)
    if rng.random() < 0.3:
        texture = _tilt_in_perspective(rng, texture)
    return shade(texture, 1 + np.float32(rng.uniform(0, 0.5)) * noise(rng, octaves=2))


def noise(rng: np.random.Generator, octaves: int = 6, falloff: float = 1.0) -> Array:
    """(S, S) float32 noise of several octaves, mean 0, standard deviation about 0.5.

    Args:
        rng: Source of randomness.
        octaves: Number of octaves; the coarsest has COARSEST cells a side.
        falloff: Octave i has weight 2^(-falloff i); below zero the finest is the strongest.
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
    """A texture (S, S, 3) times light (S, S), clipped to 0..1."""
    import cv2

    lit = cv2.multiply(texture, cv2.merge([light, light, light]))
    return np.clip(lit, 0, 1, out=lit)


def blend(below: Array, above: Array, alpha: Array) -> Array:
    """(S, S, 3) `above` over `below` with coverage alpha (S, S) 0..1."""
    import cv2

    return cv2.blendLinear(above, below, alpha, 1 - alpha)


def random_colour(rng: np.random.Generator) -> Array:
    """(3,) float32 0..1: a colour as frequent in photographs, seldom saturated."""
    light = rng.beta(2.0, 2.0)
    tint = rng.standard_normal(3) * rng.gamma(1.5, 0.07)
    return np.clip(light + tint - tint.mean(), 0.02, 0.98).astype(np.float32)


def _two_colours(rng: np.random.Generator, mix: Array) -> Array:
    """(S, S, 3): two random colours mixed by a map (S, S) 0..1."""
    import cv2

    first, second = random_colour(rng), random_colour(rng)
    if rng.random() < 0.5:
        second = first + (second - first) * np.float32(0.4)
    return cv2.merge([low + mix * (high - low) for low, high in zip(first, second, strict=True)])


def _grainy(rng: np.random.Generator, texture: Array, falloff: float, amount: float) -> Array:
    import cv2

    grain = noise(rng, falloff=falloff) * np.float32(amount)
    return cv2.add(texture, cv2.merge([grain, grain, grain]))


def _cloudy(rng: np.random.Generator) -> Array:
    mix = 0.5 + noise(rng, falloff=rng.uniform(0.2, 1.3)) * np.float32(rng.uniform(0.4, 1.6))
    return _grainy(rng, _two_colours(rng, np.clip(mix, 0, 1)), 0.2, rng.uniform(0, 0.15))


def _leaves(rng: np.random.Generator) -> Array:
    """The dead leaves model: ellipses over ellipses, with edges at every scale."""
    import cv2

    texture = np.empty((SIDE, SIDE, 3), np.float32)
    base, spread = random_colour(rng), rng.uniform(0.05, 0.3)
    texture[:] = base
    count = int(rng.integers(30, 110))
    size = np.minimum(rng.pareto(1.6, count) * 5 + 3, 70)
    place = rng.uniform(0, SIDE, (count, 2))
    tone = np.clip(base + rng.standard_normal((count, 1)) * spread, 0, 1)
    tone = np.clip(tone + rng.standard_normal((count, 3)) * spread * 0.3, 0, 1)
    turn, ratio = rng.uniform(0, 180, count), rng.uniform(0.2, 1.0, count)
    for leaf in range(count):
        axes = (int(size[leaf]) + 1, int(size[leaf] * ratio[leaf]) + 1)
        centre = (int(place[leaf, 0]), int(place[leaf, 1]))
        cv2.ellipse(texture, centre, axes, turn[leaf], 0, 360, tone[leaf].tolist(), -1)
    return _grainy(rng, texture, 0.3, rng.uniform(0, 0.12))


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

    texture = _cloudy(rng).astype(np.float32)
    count = 260
    start = rng.uniform(0, SIDE, (count, 2))
    angle = rng.uniform(0, 2 * math.pi) + rng.normal(0, 0.35, count)
    length = rng.uniform(4, 26, count)
    stop = start + np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    lightness = rng.normal(0, 0.14, count)
    tone = random_colour(rng)
    for hair in range(count):
        colour = np.clip(tone + lightness[hair], 0, 1).tolist()
        ends = (start[hair].astype(int).tolist(), stop[hair].astype(int).tolist())
        cv2.line(texture, ends[0], ends[1], colour, int(1 + hair % 2))
    return texture


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
    """A wave in -1..1 mapped to 0..1 with random contrast, from smooth to sharp."""
    return np.clip(0.5 + wave * np.float32(math.exp(rng.uniform(-0.7, 2.2))), 0, 1).astype(
        np.float32
    )


def _coordinates() -> tuple[Array, Array]:
    axis = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    x, y = np.meshgrid(axis, axis)
    return x, y


def texture_variant(rng: np.random.Generator, texture: Array) -> Array:
    """A texture rotated, mirrored and recoloured at random."""
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
