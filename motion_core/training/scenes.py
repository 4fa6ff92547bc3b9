"""Procedural scenes for training: textured things over a textured background, moving exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from ..tracks.arguments import whole_number
from .scene_drawing import first_frame, make_lens
from .scene_model import SIDE, Array, Bend, Layer, Relief, Scene
from .scene_paths import Camera, bend, camera, object_pose, pace, turned
from .scene_shapes import coverage, horizon, limb, outline
from .scene_textures import mixed, noise, relative, shaded, texture

FRAMES = 16
MOST_THINGS = 5
# New surfaces are dear; a scene makes at most so many and derives the others from them.
SURFACES = 3


class Split(Enum):
    """Disjoint ranges of seeds: a scene of one can never be a scene of another."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2

    def seed(self, index: int) -> int:
        """The seed of scene `index` of 0..2^40-1. Raises ValueError outside."""
        return (self.value << 40) + whole_number("scene index", index, most=(1 << 40) - 1)


@dataclass(frozen=True, eq=False)
class Body:
    """One thing before it moves: outlines in pixels, where its middle is, how large it is."""

    centre: Array
    radius: float
    nearness: float
    softness: float


def make_scene(seed: int, frames: int = FRAMES, *, keep_paint: bool = False) -> Scene:
    """The scene of a seed; the same seed and frames always give the same scene.

    frames: T, at least 1. keep_paint: also keep what draw_frames needs to draw the whole video.
    Raises TypeError or ValueError for a seed or frames that are no whole numbers in range.
    """
    whole_number("frames", frames, least=1)
    rng = np.random.default_rng(whole_number("seed", seed))
    view = camera(rng, frames)
    known = [texture(rng)]
    layers = [_background(rng, view, known[0])]
    if rng.random() < 0.25:
        layers.append(_ground(rng, view, known))
    count = int(rng.integers(1, MOST_THINGS + 1))
    for thing in range(count):
        layers += _thing(rng, view, known, thing=2 + thing)
    stack = tuple(layers)
    lens = make_lens(rng)
    image = first_frame(stack, lens, rng)
    if not keep_paint:
        stack = tuple(replace(layer, paint=None) for layer in stack)
    return Scene(image, stack, seed, lens)


def scenes(split: Split, start: int = 0, frames: int = FRAMES) -> Iterator[Scene]:
    """Scenes of a split without end, from index `start` on."""
    index = start
    while True:
        yield make_scene(split.seed(index), frames)
        index += 1


def _background(rng: np.random.Generator, view: Camera, paint: Array) -> Layer:
    relief = None
    if rng.random() < 0.5 and np.abs(view.pan).max() > 0:
        ramp = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None] * np.float32(rng.uniform(0, 1))
        weight = ramp + noise(rng, octaves=2) * np.float32(rng.uniform(0, 0.3))
        relief = Relief(weight, view.pan * min(1.0, 40 / np.abs(view.pan).max()))
    return Layer(view.at(1.0), None, thing=0, paint=paint, relief=relief)


def _ground(rng: np.random.Generator, view: Camera, known: list[Array]) -> Layer:
    alpha = coverage([horizon(rng)], rng.uniform(0.4, 1.6))
    paint = _surface(rng, known, alpha)
    return Layer(view.at(rng.uniform(1.1, 2.0)), alpha, thing=1, paint=paint)


def _thing(rng: np.random.Generator, view: Camera, known: list[Array], thing: int) -> list[Layer]:
    radius = float(np.clip(rng.lognormal(math.log(42), 0.45), 14, 100))
    centre = rng.uniform(0.05, 0.95, 2) * SIDE
    body = Body(centre, radius, rng.uniform(1.0, 1.8), rng.uniform(0.4, 1.8))
    reach = 0.0 if rng.random() < 0.2 else float(np.clip(rng.gamma(2.2, 24), 6, 140))
    own = object_pose(rng, len(view.pan), centre, reach)
    if reach == 0.0:
        own = np.tile(np.eye(3), (len(view.pan), 1, 1))
    pose = view.at(body.nearness) @ own
    kind = rng.random()
    if kind < 0.3:
        return _jointed(rng, body, pose, known, thing)
    wave = bend(rng, len(pose), centre, radius) if kind < 0.5 else None
    return [_part(rng, [outline(rng, centre, radius)], body, (pose, wave, thing), known)]


def _jointed(
    rng: np.random.Generator, body: Body, pose: Array, known: list[Array], thing: int
) -> list[Layer]:
    """A trunk and one to three limbs that turn about their joints, over or under it."""
    trunk = _part(rng, [outline(rng, body.centre, body.radius)], body, (pose, None, thing), known)
    layers = [trunk]
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 2 * math.pi)
        joint = body.centre + 0.7 * body.radius * np.array([math.cos(angle), math.sin(angle)])
        shape = limb(rng, joint, angle + rng.normal(0, 0.4), body.radius * rng.uniform(0.8, 2.0))
        swing = pace(rng, len(pose)) * rng.normal(0, 0.6)
        moved = pose @ turned(joint, swing, np.ones(len(pose)))
        part = _part(rng, [shape], body, (moved, None, thing), known)
        if rng.random() < 0.6:
            part = replace(part, paint=trunk.paint)
        layers.insert(0 if rng.random() < 0.5 else len(layers), part)
    return layers


def _part(
    rng: np.random.Generator,
    outlines: list[Array],
    body: Body,
    motion: tuple[Array, Bend | None, int],
    known: list[Array],
) -> Layer:
    pose, wave, thing = motion
    alpha = coverage(outlines, body.softness)
    shadow = rng.uniform(0.1, 0.6) if rng.random() < 0.3 else 0.0
    return Layer(pose, alpha, thing, _surface(rng, known, alpha), wave, shadow=shadow)


def _surface(rng: np.random.Generator, known: list[Array], alpha: Array) -> Array:
    """A thing's paint: new, or akin to what is behind it, or running into it; shaded at its rim.

    known: surfaces the scene has already, that of its background first. A new one joins them.
    """
    import cv2

    if len(known) < SURFACES and rng.random() < 0.6:
        known.append(texture(rng))
        paint = known[-1]
    else:
        paint = relative(rng, known[int(rng.integers(len(known)))])
    if rng.random() < 0.25:
        # What is behind runs on into the thing along a part of its edge.
        mix = np.clip(0.5 + 3 * noise(rng, octaves=3), 0, 1)
        paint = mixed(paint, known[0], mix)
    if rng.random() < 0.4:
        inner = cv2.GaussianBlur(cv2.resize(alpha, (64, 64)), (0, 0), rng.uniform(1, 3))
        rim = 1 - np.clip(2 * cv2.resize(inner, (SIDE, SIDE)) - 1, 0, 1)
        paint = shaded(paint, 1 + np.float32(rng.normal(0, 0.35)) * rim)
    return paint
