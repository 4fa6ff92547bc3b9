"""Outlines of objects (irregular, man-made, limbs) and their coverage masks."""

from __future__ import annotations

import math

import numpy as np

from .scene import SIDE, Array

# Fractional bits of the coordinates that OpenCV fills polygons with.
SUBPIXEL_BITS = 4


def random_outline(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    """(K, 2) pixels: a closed outline about `radius` around `centre`."""
    kind = rng.random()
    if kind < 0.5:
        return _blob(rng, centre, radius)
    if kind < 0.75:
        return _polygon(rng, centre, radius)
    return _rounded_box(rng, centre, radius)


def random_limb(rng: np.random.Generator, joint: Array, angle: float, length: float) -> Array:
    """A slightly bent limb that starts at a joint and has a round end.

    Args:
        rng: Of the bend and the width.
        joint: (2,) pixels where the limb starts.
        angle: Direction in radians.
        length: Pixels.

    Returns:
        (K, 2) pixels, a closed outline.
    """
    width = length * rng.uniform(0.14, 0.35)
    t = np.linspace(-0.12, 1, 12)
    curve = rng.normal(0, 0.18) * t * t * length
    half = width * (1 - rng.uniform(0, 0.6) * t) * np.sqrt(np.clip(1.02 - np.abs(t) ** 6, 0, 1))
    left = np.stack([t * length, curve + half], axis=1)
    right = np.stack([t * length, curve - half], axis=1)[::-1]
    return joint + np.concatenate([left, right]) @ _rotation(angle).T


def coverage(outlines: list[Array], softness: float) -> Array:
    """(S, S) float32 0..1: coverage of outlines in pixels, with an edge `softness` pixels wide."""
    import cv2

    mask = np.zeros((SIDE, SIDE), np.uint8)
    for outline in outlines:
        corners = np.round((outline - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(softness, 0.4))
    return soft * np.float32(1 / 255)


def random_horizon(rng: np.random.Generator) -> Array:
    """(K, 2) pixels: everything below an uneven line, as a table, a hill or a wall."""
    x = np.linspace(-0.1, 1.1, 24) * SIDE
    height = SIDE * rng.uniform(0.45, 0.9)
    line = height + (x - SIDE / 2) * rng.normal(0, 0.12)
    for octave in range(3):
        wave = rng.uniform(0.5, 1.5) * 2.0**octave * 2 * math.pi / SIDE
        line = line + rng.normal(0, 0.05 * SIDE / 2**octave) * np.sin(
            wave * x + rng.uniform(0, 2 * math.pi)
        )
    top = np.stack([x, line], axis=1)
    ends = np.array([[1.1 * SIDE, 1.2 * SIDE], [-0.1 * SIDE, 1.2 * SIDE]])
    corners = np.concatenate([top, ends])
    if rng.random() < 0.4:
        corners = corners[:, ::-1]
    return SIDE - corners if rng.random() < 0.3 else corners


def _blob(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    angle = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    order = np.arange(2, 9)
    rough = rng.uniform(0.05, 0.45)
    wobble = rng.normal(0, rough, (2, len(order))) / order**0.8
    along = angle[:, None] * order
    reach = radius * np.clip(1 + np.cos(along) @ wobble[0] + np.sin(along) @ wobble[1], 0.25, 2.2)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * reach[:, None]
    return centre + _stretched(rng, ring)


def _polygon(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    count = int(rng.integers(3, 10))
    angle = np.sort(rng.uniform(0, 2 * math.pi, count))
    reach = radius * rng.uniform(0.5, 1.4, count)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * reach[:, None]
    return centre + _stretched(rng, ring)


def _rounded_box(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    angle = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    power = rng.uniform(0.15, 1.0)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring = np.sign(ring) * np.abs(ring) ** power * radius
    return centre + _stretched(rng, ring)


def _stretched(rng: np.random.Generator, ring: Array) -> Array:
    ratio = math.exp(rng.normal(0, 0.35))
    return ring * [ratio, 1 / ratio] @ _rotation(rng.uniform(0, 2 * math.pi)).T


def _rotation(angle: float) -> Array:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])
