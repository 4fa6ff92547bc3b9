"""Which frames and tracks of a clip a training step shows to the Track-ControlNet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ...tracks.model import Tracks
from ...tracks.select import select

# Numbers of tracks, inclusive: Motion Prompting trains on dense tracks (appendix A.1), and its
# ablation compares them with sparse ones and with both, up to 2^13.
DENSE, SPARSE, BOTH = (1000, 2000), (1, 8), (1, 1 << 13)
REGIMES = ("dense", "sparse", "dense+sparse")


@dataclass(frozen=True)
class TrackDraw:
    """How the tracks of a clip are drawn.

    Attributes:
        regime: dense (1000..2000, uniform), sparse (1..8, uniform) or dense+sparse (1..8192,
            log-uniform). A clip with fewer tracks gives them all.
        no_tracks: Fraction of the clips that are shown without tracks, so that a prediction
            without control can be guided against.
        sparse_time: Fraction of the clips whose tracks are visible only in a random set of frames
            (2..T, log-uniform), as where a user has set key frames.
    """

    regime: str = "dense"
    no_tracks: float = 0.0
    sparse_time: float = 0.0

    def count(self, rng: np.random.Generator) -> int:
        """A number of tracks."""
        if self.regime == "dense":
            return int(rng.integers(*DENSE, endpoint=True))
        if self.regime == "sparse":
            return int(rng.integers(*SPARSE, endpoint=True))
        return _log_uniform(rng, *BOTH)

    def draw(self, rng: np.random.Generator, tracks: Tracks) -> Tracks:
        """Some tracks of a clip, all of which are visible somewhere.

        Args:
            rng: Source of randomness. It is used alike whatever the tracks are.
            tracks: Of the frames that are trained on.
        """
        count, is_empty = self.count(rng), bool(rng.random() < self.no_tracks)
        is_sparse, seed = bool(rng.random() < self.sparse_time), int(rng.integers(1 << 62))
        if is_empty:
            return select(tracks, torch.zeros(tracks.num_points, dtype=torch.bool))
        there = tracks.visible.any(dim=0).nonzero()[:, 0]
        order = np.random.default_rng(seed).permutation(len(there))[:count]
        drawn = select(tracks, there[torch.from_numpy(np.sort(order))])
        return _in_some_frames(np.random.default_rng(seed + 1), drawn) if is_sparse else drawn


def window_start(rng: np.random.Generator, total: int, frames: int) -> int:
    """The first of `frames` consecutive frames of a clip of `total` frames."""
    return int(rng.integers(total - frames + 1))


def _log_uniform(rng: np.random.Generator, least: int, most: int) -> int:
    return min(int(np.exp(rng.uniform(np.log(least), np.log(most + 1)))), most)


def _in_some_frames(rng: np.random.Generator, tracks: Tracks) -> Tracks:
    """The tracks, hidden in all frames but some."""
    frames = tracks.num_frames
    shown = rng.permutation(frames)[: _log_uniform(rng, min(2, frames), frames)]
    keep = torch.zeros(frames, 1, dtype=torch.bool)
    keep[torch.from_numpy(shown)] = True
    return replace(tracks, visible=tracks.visible & keep)
