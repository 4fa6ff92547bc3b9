"""Training batches as a function of the step: generated, seeded, resumable from any step."""

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

    Attributes:
        images: (B, 3, S, S) float32 -1..1, frame 0.
        track_batch: The tracks as the encoder takes them.
        displacement: (B, T, G, G, 2) units.
        visible: (B, T, G, G) bool.
        layers: (B, G, G) index of the layer in view in frame 0.
        track_layers: (B, N) layer of each track, -1 for padding.
        tracks: B track sets, on the CPU.
        step: The step the batch belongs to.
    """

    images: Tensor
    track_batch: TrackBatch
    displacement: Tensor
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
    """A scene with its dense motion.

    Attributes:
        scene: The scene.
        displacement: (T, G, G, 2) float32 pixels.
        visible: (T, G, G) bool.
        layers: (G, G) index of the layer in view in frame 0.
    """

    scene: Scene
    displacement: Array
    visible: Array
    layers: Array


class Example(NamedTuple):
    """One scene of a batch: the arrays of a TrainingSample with an image and tracks.

    Attributes:
        image: (S, S, 3) uint8.
        tracks: N tracks of the scene.
        displacement, visible, layers: See `TrainingSample`.
        track_layers: (N,) layer of each track.
    """

    image: Array
    tracks: Tracks
    displacement: Array
    visible: Array
    layers: Array
    track_layers: Array


class SceneBatches(Dataset):
    """Batch i of a run for process `rank` of `world`: always the same for the same i."""

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
        regime = Regime(config.regime, log_uniform(rng, 6, 300))
        examples = []
        for index in self._scene_indices(draw):
            sample = self._sample(index)
            points = draw_points(rng, sample.scene, sample.layers, regime)
            tracks = sample_tracks(rng, sample.scene, points)
            examples.append(_augmented(rng, make_example(sample, tracks, points)))
        return collate(examples, step)

    def _scene_indices(self, draw: int) -> list[int]:
        """Scene indices of a batch: each block of scenes is used `reuse` times in random order."""
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
        return [int(first + offset) for offset in chosen]

    def _sample(self, index: int) -> TrainingSample:
        if index not in self._samples:
            scene = make_scene(Split.TRAIN.seed(index), self.config.frames)
            self._samples[index] = make_sample(scene)
        return self._samples[index]


def make_sample(scene: Scene) -> TrainingSample:
    """A scene with its dense motion on the grid."""
    displacement, visible, layers = scene.field()
    return TrainingSample(scene, displacement.astype(np.float32), visible, layers)


def make_example(sample: TrainingSample, tracks: Tracks, points: Array) -> Example:
    """A scene with tracks that start at points (N, 2) of frame 0, without augmentation."""
    track_layers = sample.scene.top_layer(points)
    image = sample.scene.image
    return Example(image, tracks, sample.displacement, sample.visible, sample.layers, track_layers)


def collate(examples: list[Example], step: int) -> Batch:
    """Examples as the batch of a step."""
    images, tracks, displacement, visible, layers, owners = zip(*examples, strict=True)
    track_batch = make_track_batch(tracks)
    track_layers = torch.full(track_batch.valid.shape, -1)
    for row, owner in enumerate(owners):
        track_layers[row, : len(owner)] = torch.from_numpy(owner)
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Batch(
        stacked.contiguous(),
        track_batch,
        torch.from_numpy(np.stack(displacement)) / unit_px(CANVAS),
        torch.from_numpy(np.stack(visible)),
        torch.from_numpy(np.stack(layers)),
        track_layers,
        tracks,
        step,
    )


def _augmented(rng: np.random.Generator, example: Example) -> Example:
    """The example in one of the eight symmetries of a square, with permuted colour channels."""
    image, tracks, shift, visible, layers, track_layers = example
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
    return Example(image, turned, shift.astype(np.float32), visible, layers, track_layers)
