"""Motion prompts from held-out clips: first frame, some tracks, and the true video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...formats import write_tracks
from ...image_files import write_image
from ...tracks.model import Tracks
from ...tracks.select import select
from ..track_controlnet.clips import ClipSource

# A track that moves less in all, in pixels per frame, is one of a thing at rest.
LEAST_STEP_PX = 0.25


@dataclass(frozen=True)
class PromptDraw:
    """Which tracks of a clip make its prompt.

    Attributes:
        count: How many, of those visible in the first and the last frame.
        least_moving: Of them, at least so many that move, where the clip has them.
        seed: Of the draw.
    """

    count: int = 16
    least_moving: int = 4
    seed: int = 0

    def draw(self, tracks: Tracks, clip: int) -> Tracks:
        """The tracks of clip number `clip`."""
        rng = np.random.default_rng([self.seed, 21, clip])
        there = (tracks.visible[0] & tracks.visible[-1]).nonzero()[:, 0].numpy()
        length = (tracks.xy[-1] - tracks.xy[0]).norm(dim=-1).numpy()[there]
        order = rng.permutation(len(there))
        moving = order[length[order] >= LEAST_STEP_PX * (tracks.num_frames - 1)]
        first = moving[: min(self.least_moving, self.count)]
        rest = order[~np.isin(order, first)][: self.count - len(first)]
        return select(tracks, torch.from_numpy(np.sort(there[np.concatenate([first, rest])])))


def write_prompts(clips: ClipSource, folder: Path, count: int, draw: PromptDraw) -> Path:
    """Write the first `count` clips as prompts NAME.png, NAME.npz and NAME_truth/.

    The folder is what `sample` and `evaluate --suite prompts` read. Clips without enough visible
    tracks are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(min(count, sum(clips.counts))):
        clip, name = clips[index], f"{index:03d}"
        tracks = draw.draw(clip.tracks, index)
        if tracks.num_points < draw.count:
            continue
        frames = clip.video.float() / 255
        truth = folder / f"{name}_truth"
        truth.mkdir(exist_ok=True)
        for number, frame in enumerate(frames):
            write_image(truth / f"{number:05d}.png", frame)
        write_image(folder / f"{name}.png", frames[0])
        write_tracks(folder / f"{name}.npz", tracks)
    return folder
