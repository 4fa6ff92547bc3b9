"""Losses on held-out clips with their own tracks, without tracks and with another clip's.

The loss of training says little about control: it is dominated by how hard the clips are. The
quotient of these losses falls when the control begins to work.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ...tracks.time import cut
from ..memory import autocast
from .bases import TrainableBase
from .batches import ClipBatch, one_clip
from .clips import ClipSource
from .config import TrackControlNetConfig
from .draws import TrackDraw

LEVELS = (0.7, 0.9, 0.97)


def probe_control(
    base: TrainableBase, control: nn.Module, clips: ClipSource, config: TrackControlNetConfig
) -> dict[str, float]:
    """Mean losses of the first `probe_clips` clips, the same frames, tracks and noise each time.

    Returns:
        For each noise level of LEVELS `{level}/own` (with the clip's tracks), `{level}/none` (the
        base alone), and `{level}/other` (with the tracks of the clip before), where there are two.
    """
    count = min(config.probe_clips, sum(clips.counts))
    batches = [held_out_batch(base, clips, index, config) for index in range(count)]
    device = next(base.network.parameters()).device
    sums: dict[str, float] = {}
    with torch.no_grad():
        for index, batch in enumerate(batches):
            encoded = base.encode(batch.to(device))
            cases = {"own": (control, batch.tracks), "none": (None, batch.tracks)}
            if count > 1:
                cases["other"] = (control, batches[index - 1].tracks)
            for level in LEVELS:
                for name, (network, tracks) in cases.items():
                    with autocast(device, config.precision):
                        error = base.errors(network, encoded, tracks, batch.seeds, level)
                    key = f"{level:g}/{name}"
                    sums[key] = sums.get(key, 0.0) + float(error.mean())
    return {key: value / count for key, value in sums.items()}


def held_out_batch(
    base: TrainableBase, clips: ClipSource, index: int, config: TrackControlNetConfig
) -> ClipBatch:
    """The first frames of a clip with a fixed draw of its tracks."""
    clip = clips[index]
    frames = base.frames.of(config.frames, len(clip.video))
    rng = np.random.default_rng([7, index])
    tracks = TrackDraw(config.regime).draw(rng, cut(clip.tracks, 0, frames))
    return one_clip(clip, 0, tracks, clip.caption, index)
