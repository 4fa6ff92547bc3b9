"""Batches as a function of the step: streamed, seeded, resumable from any step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...geometry import Size
from ...layered_scenes.scene import CANVAS, Array, Scene
from ...layered_scenes.scenes import Split, make_scene
from ...layered_scenes.track_sampling import log_uniform, sample_tracks
from ...models.lite.track_batch import TrackBatch, make_track_batch, unit_px
from ...tracks.model import Tracks, make_tracks
from ..config import TrainConfig
from .regimes import Regime, draw_points


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

    def to(self, device: torch.device | str) -> Batch:
        """The batch on another device, except `tracks`."""
        moved = {
            name: part.to(device)
            for name, part in self._asdict().items()
            if isinstance(part, Tensor | TrackBatch)
        }
        return self._replace(**moved)


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """A scene with its field, as the cache keeps it."""

    scene: Scene
    shift: Array
    visible: Array
    layers: Array


class SceneBatches(Dataset):
    """Batch number i of a run, for process `rank` of `world`; the same i always the same batch."""

    def __init__(self, config: TrainConfig, rank: int = 0, world: int = 1) -> None:
        self.config, self.rank, self.world = config, rank, world
        self._samples: dict[int, TrainingSample] = {}
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
            sample = self._sample(index)
            points = draw_points(rng, sample.scene, sample.layers, Regime(config.regime, most))
            examples.append(_turned(rng, sample, sample_tracks(rng, sample.scene, points), points))
        return collate(examples, step)

    def _indices(self, draw: int) -> list[int]:
        """Scene numbers of a batch: a block of scenes is shown `reuse` times in random order."""
        config = self.config
        per_block = config.block * config.reuse // config.batch
        block, place = divmod(draw, per_block)
        if block != self._block:
            self._block, self._samples = block, {}
        order = np.random.default_rng([config.seed, 2, block]).permutation(
            np.tile(np.arange(config.block), config.reuse)
        )
        chosen = order[place * config.batch : (place + 1) * config.batch]
        first = config.seed * (1 << 32) + block * config.block
        return [int(first + one) for one in chosen]

    def _sample(self, index: int) -> TrainingSample:
        if index not in self._samples:
            scene = make_scene(Split.TRAIN.seed(index), self.config.frames)
            self._samples[index] = make_sample(scene)
        return self._samples[index]


def make_sample(scene: Scene) -> TrainingSample:
    """A scene with its dense motion."""
    shift, visible, layers = scene.field()
    return TrainingSample(scene, shift.astype(np.float32), visible, layers)


Example = tuple[Array, Tracks, Array, Array, Array, Array]


def plain_example(sample: TrainingSample, tracks: Tracks, points: Array) -> Example:
    """A scene as it is, with tracks through some points."""
    top_layer = sample.scene.top_layer(points)
    return sample.scene.image, tracks, sample.shift, sample.visible, sample.layers, top_layer


def collate(examples: list[Example], step: int) -> Batch:
    """Examples as one batch."""
    images, tracks, shifts, visibles, layers, owners = zip(*examples, strict=True)
    track_batch = make_track_batch(tracks)
    top_layer = torch.full(track_batch.present.shape, -1)
    for row, one in enumerate(owners):
        top_layer[row, : len(one)] = torch.from_numpy(one)
    picture = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Batch(
        picture.contiguous(),
        track_batch,
        torch.from_numpy(np.stack(shifts)) / unit_px(CANVAS),
        torch.from_numpy(np.stack(visibles)),
        torch.from_numpy(np.stack(layers)),
        top_layer,
        tracks,
        step,
    )


def _turned(
    rng: np.random.Generator, sample: TrainingSample, tracks: Tracks, points: Array
) -> Example:
    """The example seen in one of the eight ways a square can lie, and in other channel order."""
    image, _, shift, visible, layers, top_layer = plain_example(sample, tracks, points)
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
    return image, turned, shift.astype(np.float32), visible, layers, top_layer
