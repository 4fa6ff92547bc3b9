"""The scene generator of training: textured objects over a textured background."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

import numpy as np

from ..tracks.arguments import whole_number
from .paths import (
    Camera,
    random_bend,
    random_camera,
    random_object_pose,
    random_pace,
    rotations_about,
)
from .rendering import random_lens, render_first_frame
from .scene import SIDE, Array, Bend, Layer, Relief, Scene
from .shapes import coverage, random_horizon, random_limb, random_outline
from .textures import blend, make_texture, noise, shade, texture_variant

FRAMES = 16
MOST_OBJECTS = 5
# New textures are expensive: a scene makes at most this many and derives the others from them.
MOST_NEW_TEXTURES = 3


class Materials(Protocol):
    """Where a scene takes its looks from."""

    def texture(self, rng: np.random.Generator) -> Array:
        """(S, S, 3) float32, about 0..1: a texture that covers the canvas."""
        ...

    def cutout(
        self, rng: np.random.Generator, centre: Array, radius: float
    ) -> tuple[Array, Array] | None:
        """An object of about `radius` pixels around `centre` (2,), or None for a random outline.

        Returns:
            Its texture (S, S, 3) float32 0..1 and its coverage (S, S) float32 0..1.
        """
        ...


class Procedural:
    """Materials made from noise, see textures.py; outlines are random."""

    def texture(self, rng: np.random.Generator) -> Array:
        """See `make_texture`."""
        return make_texture(rng)

    def cutout(
        self, rng: np.random.Generator, centre: Array, radius: float
    ) -> tuple[Array, Array] | None:
        """None; the source of randomness is not used."""
        return None


@dataclass(frozen=True, eq=False)
class Palette:
    """The materials of a scene, and its textures so far, that of the background first."""

    materials: Materials
    known: list[Array]


class Split(Enum):
    """Disjoint ranges of seeds: a scene of one can never be a scene of another."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2

    def seed(self, index: int) -> int:
        """The seed of scene `index` of 0..2^40-1. Raises ValueError outside."""
        return (self.value << 40) + whole_number("scene index", index, most=(1 << 40) - 1)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where an object lies in frame 0.

    Attributes:
        centre: (2,) pixels.
        radius: Approximate size, pixels.
        parallax: Camera pan of its plane relative to the background's.
        softness: Width of its edge, pixels.
    """

    centre: Array
    radius: float
    parallax: float
    softness: float


def make_scene(
    seed: int,
    frames: int = FRAMES,
    *,
    keep_textures: bool = False,
    materials: Materials | None = None,
) -> Scene:
    """The scene of a seed. The same seed, frames and materials always give the same scene.

    Args:
        seed: See `Split.seed`.
        frames: T, at least 1.
        keep_textures: Keep the textures, which `render_frames` needs.
        materials: Of its layers; None for procedural ones.

    Raises:
        TypeError, ValueError: seed or frames is not a whole number in range.
    """
    whole_number("frames", frames, least=1)
    rng = np.random.default_rng(whole_number("seed", seed))
    camera = random_camera(rng, frames)
    materials = materials or Procedural()
    palette = Palette(materials, [materials.texture(rng)])
    layers = [_background(rng, camera, palette.known[0])]
    if rng.random() < 0.25:
        layers.append(_ground(rng, camera, palette))
    count = int(rng.integers(1, MOST_OBJECTS + 1))
    for object_id in range(count):
        layers += _object(rng, camera, palette, object_id=2 + object_id)
    stack = tuple(layers)
    lens = random_lens(rng)
    image = render_first_frame(stack, lens, rng)
    if not keep_textures:
        stack = tuple(replace(layer, texture=None) for layer in stack)
    return Scene(image, stack, seed, lens)


def scenes(split: Split, start: int = 0, frames: int = FRAMES) -> Iterator[Scene]:
    """An endless iterator over the scenes of a split, from index `start` on."""
    index = start
    while True:
        yield make_scene(split.seed(index), frames)
        index += 1


def _background(rng: np.random.Generator, camera: Camera, texture: Array) -> Layer:
    relief = None
    if rng.random() < 0.5 and np.abs(camera.pan).max() > 0:
        ramp = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None] * np.float32(rng.uniform(0, 1))
        weight = ramp + noise(rng, octaves=2) * np.float32(rng.uniform(0, 0.3))
        relief = Relief(weight, camera.pan * min(1.0, 40 / np.abs(camera.pan).max()))
    return Layer(camera.at(1.0), None, object_id=0, texture=texture, relief=relief)


def _ground(rng: np.random.Generator, camera: Camera, palette: Palette) -> Layer:
    alpha = coverage([random_horizon(rng)], rng.uniform(0.4, 1.6))
    texture = _random_texture(rng, palette, alpha)
    return Layer(camera.at(rng.uniform(1.1, 2.0)), alpha, object_id=1, texture=texture)


def _object(
    rng: np.random.Generator, camera: Camera, palette: Palette, object_id: int
) -> list[Layer]:
    radius = float(np.clip(rng.lognormal(math.log(42), 0.45), 14, 100))
    centre = rng.uniform(0.05, 0.95, 2) * SIDE
    placement = Placement(centre, radius, rng.uniform(1.0, 1.8), rng.uniform(0.4, 1.8))
    reach = 0.0 if rng.random() < 0.2 else float(np.clip(rng.gamma(2.2, 24), 6, 140))
    own = random_object_pose(rng, len(camera.pan), centre, reach)
    if reach == 0.0:
        own = np.tile(np.eye(3), (len(camera.pan), 1, 1))
    pose = camera.at(placement.parallax) @ own
    kind = rng.random()
    if kind < 0.3:
        return _jointed(rng, placement, pose, palette, object_id)
    wave = random_bend(rng, len(pose), centre, radius) if kind < 0.5 else None
    found = palette.materials.cutout(rng, centre, radius)
    if found is not None:
        texture, alpha = found
        return [Layer(pose, alpha, object_id, texture, wave)]
    shape = random_outline(rng, centre, radius)
    return [_part(rng, shape, placement, (pose, wave, object_id), palette)]


def _jointed(
    rng: np.random.Generator, placement: Placement, pose: Array, palette: Palette, object_id: int
) -> list[Layer]:
    """A trunk and one to three limbs above or below it that turn about their joints."""
    centre, radius = placement.centre, placement.radius
    shape = random_outline(rng, centre, radius)
    trunk = _part(rng, shape, placement, (pose, None, object_id), palette)
    layers = [trunk]
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 2 * math.pi)
        joint = centre + 0.7 * radius * np.array([math.cos(angle), math.sin(angle)])
        heading = angle + rng.normal(0, 0.4)
        limb = random_limb(rng, joint, heading, radius * rng.uniform(0.8, 2.0))
        swing = random_pace(rng, len(pose)) * rng.normal(0, 0.6)
        moved = pose @ rotations_about(joint, swing, np.ones(len(pose)))
        part = _part(rng, limb, placement, (moved, None, object_id), palette)
        if rng.random() < 0.6:
            part = replace(part, texture=trunk.texture)
        layers.insert(0 if rng.random() < 0.5 else len(layers), part)
    return layers


def _part(
    rng: np.random.Generator,
    shape: Array,
    placement: Placement,
    motion: tuple[Array, Bend | None, int],
    palette: Palette,
) -> Layer:
    pose, wave, object_id = motion
    alpha = coverage([shape], placement.softness)
    shadow = rng.uniform(0.1, 0.6) if rng.random() < 0.3 else 0.0
    return Layer(pose, alpha, object_id, _random_texture(rng, palette, alpha), wave, shadow=shadow)


def _random_texture(rng: np.random.Generator, palette: Palette, alpha: Array) -> Array:
    """The texture of an object: new or derived from one of the scene, sometimes shaded at its rim.

    A quarter of the textures blend into that of the background, so that some borders are invisible.

    Args:
        rng: Source of randomness.
        palette: Of the scene. A new texture is appended.
        alpha: (S, S) coverage of the object.
    """
    import cv2

    known = palette.known
    if len(known) < MOST_NEW_TEXTURES and rng.random() < 0.6:
        known.append(palette.materials.texture(rng))
        texture = known[-1]
    else:
        texture = texture_variant(rng, known[int(rng.integers(len(known)))])
    if rng.random() < 0.25:
        mix = np.clip(0.5 + 3 * noise(rng, octaves=3), 0, 1)
        texture = blend(texture, known[0], mix)
    if rng.random() < 0.4:
        inner = cv2.GaussianBlur(cv2.resize(alpha, (64, 64)), (0, 0), rng.uniform(1, 3))
        rim = 1 - np.clip(2 * cv2.resize(inner, (SIDE, SIDE)) - 1, 0, 1)
        texture = shade(texture, 1 + np.float32(rng.normal(0, 0.35)) * rim)
    return texture
