"""Batches as a function of the step: streamed, seeded, resumable from any step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..geometry import Size
from ..models.lite.track_batch import TrackBatch, make_track_batch, unit_px
from ..tracks.model import Tracks, make_tracks
from .config import TrainConfig
from .draws import CANVAS, Draw, draw_points, draw_tracks, log_uniform
from .scene_model import Array, Scene
from .scenes import Split, make_scene


class Batch(NamedTuple):
    """B scenes with tracks.

    picture: (B, 3, S, S) float32 -1..1. evidence: of the tracks. moved: (B, T, G, G, 2) units.
    visible: (B, T, G, G) bool. layers: (B, G, G). track_layers: (B, N) layer of each track, -1
    for padding. tracks: B track sets, on the CPU. step: what the batch was drawn for.
    """

    picture: Tensor
    track_batch: TrackBatch
    moved: Tensor
    visible: Tensor
    layers: Tensor
    track_layers: Tensor
    tracks: tuple[Tracks, ...]
    step: int


@dataclass(frozen=True, eq=False)
class Shot:
    """A scene with its field, as the cache keeps it."""

    scene: Scene
    shift: Array
    visible: Array
    layers: Array


class SceneBatches(Dataset):
    """Batch number i of a run, for process `rank` of `world`; the same i always the same batch."""

    def __init__(self, config: TrainConfig, rank: int = 0, world: int = 1) -> None:
        self.config, self.rank, self.world = config, rank, world
        self._shots: dict[int, Shot] = {}
        self._block = -1

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> Batch:
        config = self.config
        draw = step * self.world + self.rank
        rng = np.random.default_rng([config.seed, 1, draw])
        most = log_uniform(rng, 6, 300)
        examples = []
        for index in self._indices(draw):
            shot = self._shot(index)
            points = draw_points(rng, shot.scene, shot.layers, Draw(config.regime, most))
            examples.append(_turned(rng, shot, draw_tracks(rng, shot.scene, points), points))
        return collate(examples, step)

    def _indices(self, draw: int) -> list[int]:
        """Scene numbers of a batch: a block of scenes is shown `reuse` times in random order."""
        config = self.config
        per_block = config.block * config.reuse // config.batch
        block, place = divmod(draw, per_block)
        if block != self._block:
            self._block, self._shots = block, {}
        order = np.random.default_rng([config.seed, 2, block]).permutation(
            np.tile(np.arange(config.block), config.reuse)
        )
        chosen = order[place * config.batch : (place + 1) * config.batch]
        first = config.seed * (1 << 32) + block * config.block
        return [int(first + one) for one in chosen]

    def _shot(self, index: int) -> Shot:
        if index not in self._shots:
            scene = make_scene(Split.TRAIN.seed(index), self.config.frames)
            self._shots[index] = shot_of(scene)
        return self._shots[index]


def shot_of(scene: Scene) -> Shot:
    """A scene with its dense motion."""
    shift, visible, layers = scene.field()
    return Shot(scene, shift.astype(np.float32), visible, layers)


Example = tuple[Array, Tracks, Array, Array, Array, Array]


def plain_example(shot: Shot, tracks: Tracks, points: Array) -> Example:
    """A scene as it is, with tracks through some points."""
    owner = shot.scene.owner(points)
    return shot.scene.image, tracks, shot.shift, shot.visible, shot.layers, owner


def collate(examples: list[Example], step: int) -> Batch:
    """Examples as one batch."""
    images, tracks, shifts, visibles, layers, owners = zip(*examples, strict=True)
    track_batch = make_track_batch(tracks)
    owner = torch.full(track_batch.present.shape, -1)
    for row, one in enumerate(owners):
        owner[row, : len(one)] = torch.from_numpy(one)
    picture = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Batch(
        picture.contiguous(),
        track_batch,
        torch.from_numpy(np.stack(shifts)) / unit_px(CANVAS),
        torch.from_numpy(np.stack(visibles)),
        torch.from_numpy(np.stack(layers)),
        owner,
        tracks,
        step,
    )


def _turned(rng: np.random.Generator, shot: Shot, tracks: Tracks, points: Array) -> Example:
    """The example seen in one of the eight ways a square can lie, and in other channel order."""
    image, _, shift, visible, layers, owner = plain_example(shot, tracks, points)
    xy, side = tracks.xy, float(CANVAS.width)
    if rng.random() < 0.5:
        image, layers = image[:, ::-1], layers[:, ::-1]
        shift, visible = shift[:, :, ::-1] * [-1, 1], visible[:, :, ::-1]
        xy = xy * torch.tensor([-1.0, 1.0]) + torch.tensor([side, 0.0])
    if rng.random() < 0.5:
        image, layers = image[::-1], layers[::-1]
        shift, visible = shift[:, ::-1] * [1, -1], visible[:, ::-1]
        xy = xy * torch.tensor([1.0, -1.0]) + torch.tensor([0.0, side])
    if rng.random() < 0.5:
        image, layers = image.transpose(1, 0, 2), layers.T
        shift, visible = shift.transpose(0, 2, 1, 3)[..., ::-1], visible.transpose(0, 2, 1)
        xy = xy.flip(-1)
    image = image[..., rng.permutation(3)]
    turned = make_tracks(xy.contiguous(), Size(*CANVAS), visible=tracks.visible)
    return image, turned, shift.astype(np.float32), visible, layers, owner
