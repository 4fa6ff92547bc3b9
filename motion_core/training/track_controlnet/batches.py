"""Training batches of clips as a function of the step: seeded, resumable from any step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...curation.shards import ShardSchedule
from ...errors import ShapeError
from ...tracks.model import Tracks
from ...tracks.time import cut
from .clips import Clip, ClipSource
from .config import TrackControlNetConfig
from .draws import window_start


@dataclass(frozen=True)
class FrameRule:
    """How many consecutive frames of a clip a base is trained on.

    Attributes:
        stride: A base makes stride * k + 1 frames.
        usual: As many as are taken where none are asked for; None for all.
        most: As many as the base can make; None without a limit.
    """

    stride: int = 1
    usual: int | None = None
    most: int | None = None

    def of(self, wanted: int, available: int) -> int:
        """Frames that are used of a clip.

        Args:
            wanted: 0 for as many as base and clip allow.
            available: Frames of the clip.

        Raises:
            ValueError: The base cannot make as many as wanted, or the clip has fewer.
        """
        limits = [one for one in (available, self.most) if one is not None]
        if not wanted:
            count = min([*limits, self.usual or available])
            return (count - 1) // self.stride * self.stride + 1
        if wanted > min(limits) or (wanted - 1) % self.stride:
            form = "" if self.stride == 1 else f" of the form {self.stride}k+1"
            raise ValueError(
                f"frames is {wanted}; expected at most {min(limits)}{form}, for a clip of "
                f"{available} frames."
            )
        return wanted


class ClipBatch(NamedTuple):
    """B clips.

    Attributes:
        video: (B, T, H, W, 3) uint8.
        tracks: B track sets, on the CPU.
        captions: "" where a clip has none, or where it is not shown.
        seeds: Of each clip's noise level, noise and track codes.
        names: Of the clips, for messages.
        firsts: (B, H, W, 3) float32, 0..1, the images that a base is given as first frames.
    """

    video: Tensor
    tracks: tuple[Tracks, ...]
    captions: tuple[str, ...]
    seeds: tuple[int, ...]
    names: tuple[str, ...]
    firsts: Tensor

    def to(self, device: torch.device | str) -> ClipBatch:
        """The batch on another device, except `tracks`."""
        return self._replace(video=self.video.to(device), firsts=self.firsts.to(device))


class StepBatches(Dataset):
    """The batches of a step of process `rank` of `world`: always the same for the same step.

    What is drawn for a clip depends on its place in the run alone, so that one process with two
    clips per step trains on the same as two processes with one each.
    """

    def __init__(
        self,
        config: TrackControlNetConfig,
        source: ClipSource,
        rule: FrameRule,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.config, self.source, self.rule = config, source, rule
        self.draw = config.track_draw()
        count = config.batch * config.accumulation
        self.schedule = ShardSchedule(source.counts, count, config.seed, rank, world)

    def __getitem__(self, step: int) -> list[ClipBatch]:
        schedule, size = self.schedule, self.config.batch
        first = (step * schedule.world + schedule.rank) * schedule.batch
        drawn = [
            self._drawn(first + offset, index) for offset, index in enumerate(schedule.at(step))
        ]
        return [collate(drawn[start : start + size]) for start in range(0, len(drawn), size)]

    def _drawn(self, place: int, index: int) -> ClipBatch:
        """A batch of one clip: the one of `index`, at a place of the run."""
        rng = np.random.default_rng([self.config.seed, 3, place])
        clip = self.source[index]
        frames = self.rule.of(self.config.frames, len(clip.video))
        start = window_start(rng, len(clip.video), frames)
        is_shown, seed = bool(rng.random() >= self.config.no_text), int(rng.integers(1 << 62))
        tracks = self.draw.draw(rng, cut(clip.tracks, start, start + frames))
        return one_clip(
            clip,
            start,
            tracks,
            clip.caption if is_shown else "",
            seed,
            self.config.first_frame_noise,
        )


def one_clip(
    clip: Clip, start: int, tracks: Tracks, caption: str, seed: int, noise: float = 0.0
) -> ClipBatch:
    """A batch of the frames of a clip from `start` on for which there are tracks.

    Args:
        clip: Of any length.
        start: Its first frame.
        tracks: Of as many frames as are taken.
        caption: As it is shown.
        seed: Of all that is drawn for the clip.
        noise: The largest standard deviation of noise on the first image, in units of 0..1; that
            of the clip is uniform from 0 to it.
    """
    video = clip.video[start : start + tracks.num_frames]
    first = video[:1].float() / 255
    if noise:
        # Another stream than that of the latents' noise.
        generator = torch.Generator().manual_seed(seed + 1)
        deviation = noise * torch.rand(1, generator=generator)
        first = (first + deviation * torch.randn(first.shape, generator=generator)).clamp(0, 1)
    return ClipBatch(video[None], (tracks,), (caption,), (seed,), (clip.key,), first)


def collate(parts: Sequence[ClipBatch]) -> ClipBatch:
    """Batches joined. Raises ShapeError for clips of different sizes."""
    shapes = {tuple(part.video.shape[1:4]) for part in parts}
    if len(shapes) > 1:
        named = ", ".join(f"{part.names[0]} {tuple(part.video.shape[1:4])}" for part in parts)
        raise ShapeError(
            f"the clips of a batch must have the same frames, height and width; got {named}. Set "
            "batch=1 and accumulation instead, or curate them to one size."
        )
    return ClipBatch(
        torch.cat([part.video for part in parts]),
        tuple(one for part in parts for one in part.tracks),
        tuple(one for part in parts for one in part.captions),
        tuple(one for part in parts for one in part.seeds),
        tuple(one for part in parts for one in part.names),
        torch.cat([part.firsts for part in parts]),
    )
