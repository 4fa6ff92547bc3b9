"""The tracker protocol: queries, result, progress and cancellation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..errors import ShapeError
from ..progress import Progress, silent
from ..tracks import Tracks, make_tracks
from .clip import Clip, Video

logger = logging.getLogger(__name__)

ShouldStop = Callable[[], bool]


class TrackingStopped(RuntimeError):
    """should_stop returned True; no result exists."""


def never() -> bool:
    """A ShouldStop that lets the work go on."""
    return False


class Tracker(Protocol):
    """Follows points through a video, forwards and backwards from its query."""

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """N tracks through all T frames, in the order of the queries, numbered 0..N-1.

        video: frames (T, H, W, 3), uint8 or floating 0..1, a file, or a Clip. queries: (N, 3)
        float, columns t (a frame number), x, y (pixels; the centre of the top-left pixel is
        (0.5, 0.5)). A track is visible where the tracker found it, at t always.
        Raises ShapeError or ValueError for bad queries, what as_clip raises for a bad video,
        TrackingStopped when should_stop says so, and whatever progress raises.
        """
        ...


def checked_queries(queries: Tensor, clip: Clip) -> Tensor:
    """(N, 3) float32 on the CPU, all inside the clip.

    Raises ShapeError when they are not (N, 3); ValueError naming the first one that is not
    finite, not at a whole frame number of the clip or not on its canvas.
    """
    if not isinstance(queries, Tensor) or queries.ndim != 2 or queries.shape[1] != 3:
        came = tuple(queries.shape) if isinstance(queries, Tensor) else type(queries).__name__
        raise ShapeError(f"queries must be (N, 3): frame, x, y; got {came}.")
    wanted = queries.detach().to("cpu", torch.float32)
    frame, x, y = wanted.unbind(1)
    good = torch.isfinite(wanted).all(dim=1) & (frame == frame.round())
    good &= (frame >= 0) & (frame < clip.num_frames)
    good &= (x >= 0) & (x < clip.size.width) & (y >= 0) & (y < clip.size.height)
    if not bool(good.all()):
        row = int((~good).nonzero()[0])
        raise ValueError(
            f"query {row} is frame, x, y = {wanted[row].tolist()}; expected a whole frame from 0 "
            f"to {clip.num_frames - 1} and a place on the canvas {clip.size}. Points outside "
            "cannot be followed: leave them out."
        )
    return wanted


def tracks_of(clip: Clip, queries: Tensor, xy: Tensor, visible: Tensor) -> Tracks:
    """The result of a tracker: at its query every point is where it was asked for, and visible;
    outside the canvas none is.

    xy: (T, N, 2) and visible: (T, N). What is not finite becomes invisible, and stays where the
    query was.
    """
    size = clip.size
    known = torch.isfinite(xy).all(dim=-1)
    xy = torch.where(known[..., None], xy, queries[None, :, 1:]).clone()
    if not bool(known.all()):
        count = int((~known).sum())
        logger.warning("%d of %d positions came out as no number: hidden.", count, known.numel())
    inside = (xy >= 0).all(dim=-1) & (xy[..., 0] < size.width) & (xy[..., 1] < size.height)
    visible = visible & known & inside
    rows, columns = queries[:, 0].long(), torch.arange(len(queries))
    xy[rows, columns] = queries[:, 1:]
    visible[rows, columns] = True
    return make_tracks(xy, size, visible=visible, fps=clip.fps)


@dataclass
class Work:
    """What is done of a total: reports it, and stops where the caller wants no more."""

    total: int
    progress: Progress = silent
    should_stop: ShouldStop = never
    done: int = 0

    def step(self, count: int = 1) -> None:
        """`count` more are done. Raises TrackingStopped, and whatever progress raises."""
        if self.should_stop():
            raise TrackingStopped("tracking was stopped.")
        self.done += count
        self.progress(self.done, self.total)
