"""Procedural videos of moving textured shapes, for machines without clips to train on."""

from __future__ import annotations

import colorsys
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ...layered_scenes.paths import translations
from ...layered_scenes.rendering import render_first_frame, render_frames
from ...layered_scenes.scene import SIDE, Array, Layer, Lens, Scene
from ...layered_scenes.scenes import Split
from ...layered_scenes.shapes import coverage
from ...layered_scenes.textures import noise
from ...progress import Progress, silent
from ...video import write_video

FPS = 8.0
# What moves, and the name of its folder: the thing, the camera, or both.
KINDS = ("object", "camera", "both")
# Pixels of a side of SIDE: sizes of things, lengths of paths.
RADIUS_PX, REACH_PX = (40, 58), (44, 100)

logger = logging.getLogger(__name__)


def moving_shape(seed: int, kind: str, frames: int) -> Scene:
    """A thing with a texture on a ground with another, each of which rests or moves straight on.

    Args:
        seed: See `Split.seed`; equal seeds give equal scenes.
        kind: One of KINDS: whether the thing moves on a ground at rest, both move as one, as under
            a camera that pans, or each on its own path.
        frames: T.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of: {', '.join(KINDS)}; got {kind!r}.")
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    radius = rng.uniform(*RADIUS_PX)
    centre = rng.uniform(radius, SIDE - radius, 2)
    pan = _path(rng, frames, np.full(2, SIDE / 2)) if kind != "object" else np.zeros((frames, 2))
    own = pan if kind == "camera" else _path(rng, frames, centre)
    hue = rng.random()
    ground = Layer(translations(pan), None, 0, _texture(rng, hue, 0.35, 1.0))
    alpha = coverage([_outline(rng, centre, radius)], 0.8)
    thing = Layer(translations(own), alpha, 2, _texture(rng, hue + 0.5, 0.9, 1.4))
    lens = Lens()
    return Scene(render_first_frame((ground, thing), lens, rng), (ground, thing), seed, lens)


def write_scenes(
    folder: Path,
    count: int,
    split: Split,
    frames: int,
    kinds: tuple[str, ...] = KINDS,
    progress: Progress = silent,
) -> Path:
    """Write the first `count` scenes of a split as folder/KIND/NUMBER.mp4, kinds in turn.

    Videos that are there stay.
    """
    for index in range(count):
        kind = kinds[index % len(kinds)]
        target = folder / kind / f"{index:05d}.mp4"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            scene = moving_shape(split.seed(index), kind, frames)
            write_video(target, torch.from_numpy(render_frames(scene)), FPS)
        progress(index + 1, count)
    return folder


def scene_of(video: Path, split: Split, frames: int) -> Scene:
    """The scene of a video that `write_scenes` has written."""
    return moving_shape(split.seed(int(video.stem)), video.parent.name, frames)


def kinds_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Kind and path of the videos of a folder, in the order of their numbers."""
    for path in sorted(folder.glob("*/*.mp4"), key=lambda one: one.stem):
        yield path.parent.name, path


def _path(rng: np.random.Generator, frames: int, start: Array) -> Array:
    """(T, 2) pixels of a straight way, towards the middle as often as not."""
    reach, angle = rng.uniform(*REACH_PX), rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)]) * reach
    # A thing that would leave the picture goes the other way.
    outside = (start + way < 0) | (start + way > SIDE)
    way = np.where(outside, -way, way)
    return np.linspace(0, 1, frames)[:, None] * way


def _outline(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    """(K, 2) pixels: a round or angular outline, longer than wide."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring = np.sign(ring) * np.abs(ring) ** rng.uniform(0.3, 1.0)
    ratio, turn = rng.uniform(1, 1.3), rng.uniform(0, np.pi)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return centre + ring * [radius * ratio, radius / ratio] @ turned.T


def _texture(rng: np.random.Generator, hue: float, saturation: float, contrast: float) -> Array:
    """(S, S, 3) float32: two shades of a colour, mixed by coarse noise."""
    level = noise(rng, octaves=2, falloff=0.7) * np.float32(contrast)
    mix = np.clip(0.5 + level, 0, 1)[..., None]
    hues = hue + rng.uniform(-0.08, 0.08, 2)
    low, high = (
        np.array(colorsys.hsv_to_rgb(one % 1, saturation, value), np.float32)
        for one, value in zip(hues, (rng.uniform(0.15, 0.45), rng.uniform(0.7, 1.0)), strict=True)
    )
    return low + mix * (high - low)
