"""Training batches as a function of the step: generated, seeded, resumable from any step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
from ...tracks import select
from ...tracks.model import Tracks, make_tracks
from ..config import TrainConfig
from .real_clips import UNKNOWN, ClipView, RealClips, draw_clip_tracks, with_camera
from .real_materials import RealMaterials
from .regimes import Regime, draw_points


class Batch(NamedTuple):
    """B scenes with tracks.

    Attributes:
        images: (B, 3, S, S) float32 -1..1, frame 0.
        track_batch: The tracks as the encoder takes them.
        displacement: (B, T, G, G, 2) units.
        visible: (B, T, G, G) bool.
        layers: (B, G, G) index of the layer in view in frame 0, UNKNOWN where it is not known.
        track_layers: (B, N) layer of each track, UNKNOWN also for padding.
        known: (B, G, G) bool, cells whose motion is known; all of a composed scene.
        tracks: B track sets, on the CPU.
        step: The step the batch belongs to.
    """

    images: Tensor
    track_batch: TrackBatch
    displacement: Tensor
    visible: Tensor
    layers: Tensor
    track_layers: Tensor
    known: Tensor
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
        known: (G, G) bool, cells whose motion is known.
    """

    image: Array
    tracks: Tracks
    displacement: Array
    visible: Array
    layers: Array
    track_layers: Array
    known: Array


class SceneBatches(Dataset):
    """Batch i of a run for process `rank` of `world`: always the same for the same i."""

    def __init__(self, config: TrainConfig, rank: int = 0, world: int = 1) -> None:
        self.config, self.rank, self.world = config, rank, world
        self._samples: dict[int, TrainingSample | ClipView] = {}
        self._block = -1
        folder = Path(config.real)
        self._clips = RealClips(folder, config.frames, config.seed) if config.real_motion else None
        self._materials = RealMaterials(folder) if config.real_textures else None

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> Batch:
        config = self.config
        draw = step * self.world + self.rank
        rng = np.random.default_rng([config.seed, 1, draw])
        regime = Regime(config.regime, log_uniform(rng, 6, 300))
        examples = []
        for index in self._scene_indices(draw):
            examples.append(_augmented(rng, _drawn_example(rng, self._sample(index), regime)))
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

    def _sample(self, index: int) -> TrainingSample | ClipView:
        if index not in self._samples:
            self._samples[index] = self._make_sample(index)
        return self._samples[index]

    def _make_sample(self, index: int) -> TrainingSample | ClipView:
        """A real clip, a scene of real pictures or a procedural one, by the index alone."""
        config = self.config
        kind = float(np.random.default_rng([config.seed, 4, index]).random())
        if self._clips is not None and kind < config.real_motion:
            return self._clips.view(index)
        is_real = kind < config.real_motion + config.real_textures
        materials = self._materials if is_real else None
        scene = make_scene(Split.TRAIN.seed(index), config.frames, materials=materials)
        return make_sample(scene)


def make_sample(scene: Scene) -> TrainingSample:
    """A scene with its dense motion on the grid."""
    displacement, visible, layers = scene.field()
    return TrainingSample(scene, displacement.astype(np.float32), visible, layers)


def make_example(sample: TrainingSample, tracks: Tracks, points: Array) -> Example:
    """A scene with tracks that start at points (N, 2) of frame 0, without augmentation."""
    track_layers = sample.scene.top_layer(points)
    image = sample.scene.image
    shift, known = sample.displacement, np.ones(sample.layers.shape, bool)
    return Example(image, tracks, shift, sample.visible, sample.layers, track_layers, known)


def _drawn_example(
    rng: np.random.Generator, sample: TrainingSample | ClipView, regime: Regime
) -> Example:
    """A sample with random tracks of a regime, without augmentation."""
    if isinstance(sample, ClipView):
        sample = with_camera(rng, sample)
        chosen = draw_clip_tracks(rng, sample, regime)
        tracks = select(sample.pool, torch.from_numpy(chosen))
        shift, owners = sample.displacement, sample.owners[chosen]
        dense = (shift, sample.visible, sample.layers)
        return Example(sample.image, tracks, *dense, owners, sample.known)
    points = draw_points(rng, sample.scene, sample.layers, regime)
    return make_example(sample, sample_tracks(rng, sample.scene, points), points)


def collate(examples: list[Example], step: int) -> Batch:
    """Examples as the batch of a step."""
    images, tracks, displacement, visible, layers, owners, known = zip(*examples, strict=True)
    track_batch = make_track_batch(tracks)
    track_layers = torch.full(track_batch.valid.shape, UNKNOWN)
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
        torch.from_numpy(np.stack(known)),
        tracks,
        step,
    )


def _augmented(rng: np.random.Generator, example: Example) -> Example:
    """The example in one of the eight symmetries of a square, with permuted colour channels."""
    image, tracks, shift, visible, layers, track_layers, known = example
    xy, side = tracks.xy, float(CANVAS.width)
    if rng.random() < 0.5:
        image, layers, known = image[:, ::-1], layers[:, ::-1], known[:, ::-1]
        shift, visible = shift[:, :, ::-1] * [-1, 1], visible[:, :, ::-1]
        xy = xy * torch.tensor([-1.0, 1.0]) + torch.tensor([side, 0.0])
    if rng.random() < 0.5:
        image, layers, known = image[::-1], layers[::-1], known[::-1]
        shift, visible = shift[:, ::-1] * [1, -1], visible[:, ::-1]
        xy = xy * torch.tensor([1.0, -1.0]) + torch.tensor([0.0, side])
    if rng.random() < 0.5:
        image, layers, known = image.transpose(1, 0, 2), layers.T, known.T
        shift, visible = shift.transpose(0, 2, 1, 3)[..., ::-1], visible.transpose(0, 2, 1)
        xy = xy.flip(-1)
    image = image[..., rng.permutation(3)]
    turned = make_tracks(xy.contiguous(), Size(*CANVAS), visible=tracks.visible)
    return Example(image, turned, shift.astype(np.float32), visible, layers, track_layers, known)
