"""What is measured while a model learns: errors on scenes it never trains on."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...layered_scenes.scene import GRID, SIDE, Array
from ...layered_scenes.scenes import Split, make_scene
from ...layered_scenes.track_sampling import drag_points, sample_tracks, uniform_points
from ...models.lite.base import LiteBase
from ...models.lite.latents import from_latents, to_latents
from ...models.lite.track_batch import UNITS
from ..config import TrainConfig
from .data import Batch, TrainingSample, collate, make_sample, plain_example

COUNTS = (1, 4, 16, 64, 256)
DRAG_PINS = 12
LEVELS = (0.7, 0.9, 0.97)
PIXELS_PER_UNIT = SIDE / UNITS

# From a batch of one scene to displacements (G*G, T, 2) in units.
Predictor = Callable[[Batch], Tensor]


def probe_base(base: LiteBase, config: TrainConfig) -> dict[str, float]:
    """What a base has from the picture: mean endpoint errors of its guess at the clean motion in
    noise of LEVELS, pixels, visible places only.

    Every scene is asked with its own picture (`/own`) and with that of another scene (`/other`).
    A base that only smooths noise is as wrong with the one as with the other.
    """
    samples = held_out(Split.VALIDATION, config.probe_scenes, config.frames)
    nowhere, rng = np.zeros((0, 2)), np.random.default_rng(7)
    batch = collate(
        [
            plain_example(sample, sample_tracks(rng, sample.scene, nowhere), nowhere)
            for sample in samples
        ],
        0,
    )
    noise = base.noise(len(samples), torch.Generator().manual_seed(7))
    clean = to_latents(batch.moved, batch.visible)
    found: dict[str, float] = {}
    with torch.no_grad():
        own = base.sees(batch.picture)
        for level in LEVELS:
            noisy = (1 - level) * clean + level * noise
            for name, seen in (("own", own), ("other", own.rolled())):
                moved, _ = from_latents(base(noisy, noise.new_tensor([level]), seen))
                miss = (moved - batch.moved).norm(dim=-1)[:, 1:] * PIXELS_PER_UNIT
                found[f"{level}/{name}"] = float(miss[batch.visible[:, 1:]].mean())
    return found


def probe(predict: Predictor, config: TrainConfig) -> dict[str, float]:
    """Mean endpoint errors on validation scenes, pixels of the 256-pixel picture.

    For every number of tracks in COUNTS and for a drag with pins (`drag`): over the frame
    (`/all`), on things that hold a track (`/thing`), beside other layers (`/boundary`), in cells
    that hold a track (`/tracks`) and in the others (`/unseen`), visible places only; `/none` is
    the frame without motion.
    """
    found: dict[str, float] = {}
    samples = held_out(Split.VALIDATION, config.probe_scenes, config.frames)
    for name in [*map(str, COUNTS), "drag"]:
        rows = [_errors_of(predict, sample, number, name) for number, sample in enumerate(samples)]
        for where in rows[0]:
            found[f"{name}/{where}"] = float(np.nanmean([row[where] for row in rows]))
    return found


@lru_cache(maxsize=4)
def held_out(split: Split, count: int, frames: int) -> tuple[TrainingSample, ...]:
    """The first scenes of a split, made once."""
    return tuple(make_sample(make_scene(split.seed(index), frames)) for index in range(count))


def probe_points(sample: TrainingSample, number: int, name: str) -> Array:
    """The tracks' places for a probe: always the same for a scene number and a name."""
    if name == "drag":
        rng = np.random.default_rng([7, number, 99])
        return drag_points(rng, sample.scene, sample.layers, DRAG_PINS)
    rng = np.random.default_rng([7, number, COUNTS.index(int(name))])
    return uniform_points(rng, int(name))


def field_errors(moved: Tensor, batch: Batch) -> dict[str, float]:
    """Errors of displacements (G*G, T, 2) in units for a batch of one scene; see probe."""
    wanted = batch.moved.flatten(2, 3)[0].transpose(0, 1)
    visible = batch.visible.flatten(2, 3)[0].T[:, 1:].float()
    miss = (moved - wanted).norm(dim=-1)[:, 1:] * PIXELS_PER_UNIT
    still = wanted.norm(dim=-1)[:, 1:] * PIXELS_PER_UNIT
    layers, owned = batch.layers[0], batch.track_layers[0]
    held = torch.isin(layers, owned[owned > 0]).flatten()
    cell = ((batch.track_batch.spot[0] + 1) / 2 * GRID).long().clamp(0, GRID - 1)
    cell = cell[batch.track_batch.present[0]]
    tracked = torch.zeros(GRID * GRID, dtype=torch.bool)
    tracked[cell[:, 1] * GRID + cell[:, 0]] = True
    everywhere = torch.ones_like(held)
    return {
        "all": _mean(miss, visible, everywhere),
        "thing": _mean(miss, visible, held),
        "boundary": _mean(miss, visible, boundary_cells(layers).flatten()),
        "tracks": _mean(miss, visible, tracked),
        "unseen": _mean(miss, visible, ~tracked),
        "none": _mean(still, visible, everywhere),
    }


def boundary_cells(layers: Tensor) -> Tensor:
    """(G, G) bool: cells with another layer within one cell."""
    padded = functional.pad(layers[None, None].float(), (1, 1, 1, 1), mode="replicate")
    most = functional.max_pool2d(padded, 3, 1)
    least = -functional.max_pool2d(-padded, 3, 1)
    return (most != least)[0, 0]


def _errors_of(
    predict: Predictor, sample: TrainingSample, number: int, name: str
) -> dict[str, float]:
    points = probe_points(sample, number, name)
    tracks = sample_tracks(np.random.default_rng([7, number]), sample.scene, points)
    batch = collate([plain_example(sample, tracks, points)], 0)
    with torch.no_grad():
        return field_errors(predict(batch), batch)


def _mean(miss: Tensor, visible: Tensor, where: Tensor) -> float:
    weight = visible[where]
    if not weight.sum():
        return float("nan")
    return float((miss[where] * weight).sum() / weight.sum())
