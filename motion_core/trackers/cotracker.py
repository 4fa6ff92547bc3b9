"""CoTracker3 through the `cotracker` package, where it is installed.

Its code and weights are licensed CC-BY-NC 4.0: not for commercial work. It is never a default.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import MissingExtraError
from ..geometry import Size
from ..progress import Progress, silent
from ..tracks import Tracks
from ..weights_io import read_weights
from .clip import Clip, Video, as_clip
from .dense_flow import with_weights
from .networks import scale_of, small_frames
from .tracker import ShouldStop, Work, checked_queries, never, tracks_of

INSTALL = (
    "CoTracker3 needs the cotracker package (CC-BY-NC 4.0, not for commercial work): "
    'pip install "cotracker @ git+https://github.com/facebookresearch/co-tracker".'
)
# CoTracker's (0, 0) is the centre of the top-left pixel, ours its corner.
CENTRE_ORIGIN = 0.5
WINDOWS = {"offline": 60, "online": 16}


@dataclass(frozen=True, eq=False)
class CoTracker:
    """CoTracker3 (Karaev et al., 2024).

    Pictures are resized to the model's input size beforehand, so the package resizes nothing. The
    visibility threshold is fixed inside the package.

    Attributes:
        predictor: The package's CoTrackerPredictor or CoTrackerOnlinePredictor.
        is_online: Whether it is the latter, which processes long clips in windows.
        chunk: Queries processed at once.
    """

    predictor: Any
    is_online: bool = False
    chunk: int = 1024

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """See Tracker."""
        clip = as_clip(video)
        queries = checked_queries(queries, clip)
        height, width = self.predictor.interp_shape
        size = Size(int(width), int(height))
        scale = scale_of(clip, size)
        xy = queries[None, :, 1:].repeat(clip.num_frames, 1, 1)
        visible = torch.zeros(xy.shape[:2], dtype=torch.bool)
        if not len(queries):
            return tracks_of(clip, queries, xy, visible)
        follow = self._online if self.is_online else self._offline
        chunks = queries.split(self.chunk)
        ways = sum(1 + bool((chunk[:, 0] > 0).any()) for chunk in chunks)
        work = Work(ways * clip.num_frames, progress, should_stop)
        for index, chunk in enumerate(chunks):
            model_queries = torch.cat([chunk[:, :1], chunk[:, 1:] * scale - CENTRE_ORIGIN], dim=1)
            places, is_visible = follow(clip, size, model_queries, work)
            part = slice(index * self.chunk, (index + 1) * self.chunk)
            xy[:, part], visible[:, part] = (places + CENTRE_ORIGIN) / scale, is_visible
        return tracks_of(clip, queries, xy, visible)

    def _offline(
        self, clip: Clip, size: Size, model_queries: Tensor, work: Work
    ) -> tuple[Tensor, Tensor]:
        device = next(self.predictor.parameters()).device
        video = _stacked(small_frames(clip, size, 0, clip.num_frames - 1)).to(device)
        is_both_ways = bool((model_queries[:, 0] > 0).any())
        work.step(0)
        tracks, is_visible = self.predictor(
            video, queries=model_queries[None].to(device), backward_tracking=is_both_ways
        )
        work.step((1 + is_both_ways) * clip.num_frames)
        return tracks[0].float().cpu(), is_visible[0].reshape(tracks.shape[1:3]).cpu()

    def _online(
        self, clip: Clip, size: Size, model_queries: Tensor, work: Work
    ) -> tuple[Tensor, Tensor]:
        places, is_visible = self._windows(
            clip, size, model_queries, (0, clip.num_frames - 1), work
        )
        if bool((model_queries[:, 0] > 0).any()):
            turned = model_queries.clone()
            turned[:, 0] = clip.num_frames - 1 - turned[:, 0]
            found = self._windows(clip, size, turned, (clip.num_frames - 1, 0), work)
            before = torch.arange(clip.num_frames)[:, None] < model_queries[:, 0]
            places = torch.where(before[..., None], found[0].flip(0), places)
            is_visible = torch.where(before, found[1].flip(0), is_visible)
        return places, is_visible

    def _windows(
        self,
        clip: Clip,
        size: Size,
        model_queries: Tensor,
        ends: tuple[int, int],
        work: Work,
    ) -> tuple[Tensor, Tensor]:
        device, step = next(self.predictor.parameters()).device, int(self.predictor.step)
        window_frames: list[Tensor] = []
        found: tuple[Tensor, Tensor] | None = None
        frames = small_frames(clip, size, *ends)
        for index, small in enumerate(frames, start=1):
            window_frames = [*window_frames, small][-2 * step :]
            work.step()
            is_due = index >= 2 * step and index % step == 0
            if not is_due and index < clip.num_frames:
                continue
            # The last window may be shorter; windows always begin at a multiple of a step.
            overhang = 0 if is_due else index % step
            window = (
                window_frames[-(step + overhang) :]
                if overhang and index > 2 * step
                else window_frames
            )
            video = _stacked(iter(window)).to(device)
            if found is None:
                self.predictor(video, is_first_step=True, queries=model_queries[None].to(device))
            found = self.predictor(video)
        assert found is not None
        tracks, is_visible = found
        return tracks[0, : clip.num_frames].float().cpu(), is_visible[0, : clip.num_frames].cpu()


def load_cotracker(
    path: Path, device: torch.device | str = "cpu", *, is_online: bool = False
) -> CoTracker:
    """CoTracker3 with weights from scaled_offline.pth or scaled_online.pth.

    Args:
        path: The weight file.
        device: Where the model runs.
        is_online: Whether the file is scaled_online.pth.

    Raises:
        MissingExtraError: The package is not installed.
        FormatError: The file holds other weights.
    """
    try:
        from cotracker.predictor import (  # pyright: ignore[reportMissingImports]
            CoTrackerOnlinePredictor,
            CoTrackerPredictor,
        )
    except ImportError as error:
        raise MissingExtraError(f"{INSTALL} ({error})") from error
    kind = CoTrackerOnlinePredictor if is_online else CoTrackerPredictor
    window = WINDOWS["online" if is_online else "offline"]
    predictor = kind(checkpoint=None, window_len=window)
    with_weights(predictor.model, read_weights(path), path)
    return CoTracker(predictor.eval().to(device), is_online)


def _stacked(frames) -> Tensor:
    """(1, T, 3, h, w) float32, 0..255."""
    return torch.stack(list(frames)).movedim(-1, 1)[None].float()
