"""Probes: validation errors that a run logs while it trains."""

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
from .data import Batch, TrainingSample, collate, make_example, make_sample

COUNTS = (1, 4, 16, 64, 256)
DRAG_PINS = 12
LEVELS = (0.7, 0.9, 0.97)
PIXELS_PER_UNIT = SIDE / UNITS

# From a batch of one scene to displacements (G*G, T, 2) in units.
Predictor = Callable[[Batch], Tensor]


def probe_base(base: LiteBase, config: TrainConfig) -> dict[str, float]:
    """Errors of a base's prediction with the right image and with another one.

    The difference shows how much the base uses the image. For each noise level of LEVELS, the mean
    endpoint error in pixels over visible cells is measured with the scene's own image
    (`{level}/own`) and with that of another scene (`{level}/other`). The two are equal for a base
    that ignores the image.
    """
    samples = validation_samples(config.probe_scenes, config.frames)
    no_points, rng = np.zeros((0, 2)), np.random.default_rng(7)
    examples = [
        make_example(sample, sample_tracks(rng, sample.scene, no_points), no_points)
        for sample in samples
    ]
    batch = collate(examples, 0)
    noise = base.noise(len(samples), torch.Generator().manual_seed(7))
    clean = to_latents(batch.displacement, batch.visible)
    errors: dict[str, float] = {}
    with torch.no_grad():
        own = base.encode_image(batch.images)
        for level in LEVELS:
            noisy = (1 - level) * clean + level * noise
            for name, features in (("own", own), ("other", own.rolled())):
                predicted, _ = from_latents(base(noisy, noise.new_tensor([level]), features))
                error = (predicted - batch.displacement).norm(dim=-1)[:, 1:] * PIXELS_PER_UNIT
                errors[f"{level}/{name}"] = float(error[batch.visible[:, 1:]].mean())
    return errors


def probe_tracks(predict: Predictor, config: TrainConfig) -> dict[str, float]:
    """Mean endpoint errors on validation scenes, pixels of the 256-pixel image.

    For every number of tracks in COUNTS and for a drag with pins (`drag`), over visible cells:
    the frame (`/all`), objects that hold a track (`/object`), cells beside another layer
    (`/boundary`), cells that hold a track (`/tracks`) and those that do not (`/untracked`).
    `/none` is the error over the frame of no motion.
    """
    samples = validation_samples(config.probe_scenes, config.frames)
    errors: dict[str, float] = {}
    for name in [*map(str, COUNTS), "drag"]:
        rows = [_errors_of(predict, sample, index, name) for index, sample in enumerate(samples)]
        for place in rows[0]:
            known = [row[place] for row in rows if not np.isnan(row[place])]
            errors[f"{name}/{place}"] = float(np.mean(known)) if known else float("nan")
    return errors


@lru_cache(maxsize=4)
def validation_samples(count: int, frames: int) -> tuple[TrainingSample, ...]:
    """The first validation scenes, generated once."""
    return tuple(make_sample(make_scene(Split.VALIDATION.seed(i), frames)) for i in range(count))


def probe_points(sample: TrainingSample, index: int, name: str) -> Array:
    """(N, 2) pixels where tracks start: the same for a scene index and a name of `probe_tracks`."""
    if name == "drag":
        rng = np.random.default_rng([7, index, 99])
        return drag_points(rng, sample.scene, sample.layers, DRAG_PINS)
    rng = np.random.default_rng([7, index, COUNTS.index(int(name))])
    return uniform_points(rng, int(name))


def field_errors(predicted: Tensor, batch: Batch) -> dict[str, float]:
    """Errors of displacements (G*G, T, 2) in units, by place, for a batch of one scene."""
    target = batch.displacement.flatten(2, 3)[0].transpose(0, 1)
    visible = batch.visible.flatten(2, 3)[0].T[:, 1:].float()
    error = (predicted - target).norm(dim=-1)[:, 1:] * PIXELS_PER_UNIT
    without = target.norm(dim=-1)[:, 1:] * PIXELS_PER_UNIT
    layers, track_layers = batch.layers[0], batch.track_layers[0]
    on_object = torch.isin(layers, track_layers[track_layers > 0]).flatten()
    cell = ((batch.track_batch.start_ndc[0] + 1) / 2 * GRID).long().clamp(0, GRID - 1)
    cell = cell[batch.track_batch.valid[0]]
    tracked = torch.zeros(GRID * GRID, dtype=torch.bool)
    tracked[cell[:, 1] * GRID + cell[:, 0]] = True
    everywhere = torch.ones_like(on_object)
    return {
        "all": _mean(error, visible, everywhere),
        "object": _mean(error, visible, on_object),
        "boundary": _mean(error, visible, boundary_cells(layers).flatten()),
        "tracks": _mean(error, visible, tracked),
        "untracked": _mean(error, visible, ~tracked),
        "none": _mean(without, visible, everywhere),
    }


def boundary_cells(layers: Tensor) -> Tensor:
    """(G, G) bool: cells of layers (G, G) with another layer within one cell."""
    padded = functional.pad(layers[None, None].float(), (1, 1, 1, 1), mode="replicate")
    most = functional.max_pool2d(padded, 3, 1)
    least = -functional.max_pool2d(-padded, 3, 1)
    return (most != least)[0, 0]


def _errors_of(
    predict: Predictor, sample: TrainingSample, index: int, name: str
) -> dict[str, float]:
    points = probe_points(sample, index, name)
    tracks = sample_tracks(np.random.default_rng([7, index]), sample.scene, points)
    batch = collate([make_example(sample, tracks, points)], 0)
    with torch.no_grad():
        return field_errors(predict(batch), batch)


def _mean(error: Tensor, visible: Tensor, place: Tensor) -> float:
    """The mean over visible cells of a place; NaN where there are none."""
    weight = visible[place]
    if not weight.sum():
        return float("nan")
    return float((error[place] * weight).sum() / weight.sum())
