"""Test cases: pictures with a few tracks, whose whole motion is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from ..layered_scenes.other_scenes import make_other_scene
from ..layered_scenes.scene import GRID, Scene
from ..layered_scenes.scenes import FRAMES, Split, make_scene
from ..layered_scenes.track_sampling import drag_points, sample_tracks, uniform_points
from ..tracks.model import Tracks
from .field_errors import Truth

# One drag with its small grid, and so many pins elsewhere.
DRAG, DRAG_PINS = "drag", 12
COUNTS = ("1", "4", "16", "64", "256", DRAG, "512", "2048")
# Scenes of the second world by split: apart from each other; training uses none of them.
OTHER_FIRST = {Split.VALIDATION: 1 << 38, Split.TEST: 0}


class World(Enum):
    """Which generator makes the scenes: the one of training, or one that training never uses."""

    OURS = "ours"
    OTHER = "other"


@dataclass(frozen=True, eq=False)
class Case:
    """A picture with tracks, its true motion, and the scene that both come from.

    Attributes:
        image: (H, W, 3) float32 0..1.
        tracks: on the picture.
        truth: the motion of the whole picture.
        scene: of the generator.
    """

    image: Tensor
    tracks: Tracks
    truth: Truth
    scene: Scene


def scene_at(world: World, split: Split, index: int, *, keep_textures: bool = False) -> Scene:
    """One scene of a split.

    Args:
        world: The generator of the scenes.
        split: Training, validation or test.
        index: Place of the scene in the split.
        keep_textures: Keep what is needed to render further frames.

    Raises:
        ValueError: The training split of the other world was asked for.
    """
    if world is World.OURS:
        return make_scene(split.seed(index), FRAMES, keep_textures=keep_textures)
    if split not in OTHER_FIRST:
        raise ValueError("nothing is trained on the other world; ask for VALIDATION or TEST.")
    return make_other_scene(OTHER_FIRST[split] + index, FRAMES, keep_textures=keep_textures)


def case_of(scene: Scene, index: int, count: str, seed: int) -> Case:
    """A scene with tracks drawn by a seed.

    Args:
        scene: of the generator.
        index: its place in its split.
        count: of COUNTS: a number of tracks placed anywhere, or DRAG.
        seed: of the tracks.
    """
    displacement, visible, layers = scene.field(GRID)
    rng = np.random.default_rng([seed, index, COUNTS.index(count)])
    is_drag = count == DRAG
    points = (
        drag_points(rng, scene, layers, DRAG_PINS) if is_drag else uniform_points(rng, int(count))
    )
    image = torch.from_numpy(scene.image).float() / 255.0
    truth = Truth(
        torch.from_numpy(displacement.astype(np.float32)),
        torch.from_numpy(visible),
        torch.from_numpy(layers),
    )
    return Case(image, sample_tracks(rng, scene, points), truth, scene)


def cases(
    split: Split, clips: int, count: str, seed: int, world: World = World.OURS
) -> Iterator[Case]:
    """The first scenes of a split, each with tracks drawn by a seed.

    Args:
        split: Training, validation or test.
        clips: Number of scenes.
        count: Of COUNTS: a number of tracks placed anywhere, or DRAG.
        seed: Of the tracks.
        world: The generator of the scenes.
    """
    for index in range(clips):
        yield case_of(scene_at(world, split, index), index, count, seed)
