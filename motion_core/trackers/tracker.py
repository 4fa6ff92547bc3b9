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
from .cuts import visible_across_cuts

logger = logging.getLogger(__name__)

ShouldStop = Callable[[], bool]


class TrackingStopped(RuntimeError):
    """should_stop returned True; there is no result."""


def never() -> bool:
    """A ShouldStop that never stops the work."""
    return False


class Tracker(Protocol):
    """Tracks points through a video, forwards and backwards from their queries."""

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """Track N points through all T frames.

        Args:
            video: Frames (T, H, W, 3), uint8 or floating 0..1, a file, or a Clip.
            queries: (N, 3) float, columns t (a frame number), x, y (pixels; the centre of the
                top-left pixel is (0.5, 0.5)).
            progress: Called with the work done and the total; may raise to stop.
            should_stop: Asked regularly; True stops the work.

        Returns:
            Tracks (T, N) in the order of the queries, numbered 0..N-1. A track is visible where the
            tracker found it, and always at t.

        Raises:
            ShapeError: The queries are not (N, 3).
            ValueError: A query is outside of the clip.
            TrackingStopped: should_stop returned True.
            Exception: What as_clip raises for a bad video, and what progress raises.
        """
        ...


def checked_queries(queries: Tensor, clip: Clip) -> Tensor:
    """Check queries against a clip.

    Returns:
        (N, 3) float32 on the CPU.

    Raises:
        ShapeError: The queries are not (N, 3).
        ValueError: A query is not finite, not at a whole frame number of the clip, or not on its
            canvas; the message names the first.
    """
    if not isinstance(queries, Tensor) or queries.ndim != 2 or queries.shape[1] != 3:
        got = tuple(queries.shape) if isinstance(queries, Tensor) else type(queries).__name__
        raise ShapeError(f"queries must be (N, 3): frame, x, y; got {got}.")
    checked = queries.detach().to("cpu", torch.float32)
    frame, x, y = checked.unbind(1)
    good = torch.isfinite(checked).all(dim=1) & (frame == frame.round())
    good &= (frame >= 0) & (frame < clip.num_frames)
    good &= (x >= 0) & (x < clip.size.width) & (y >= 0) & (y < clip.size.height)
    if not bool(good.all()):
        row = int((~good).nonzero()[0])
        raise ValueError(
            f"query {row} is frame, x, y = {checked[row].tolist()}; expected a whole frame from 0 "
            f"to {clip.num_frames - 1} and a place on the canvas {clip.size}. Points outside "
            "cannot be followed: leave them out."
        )
    return checked


def tracks_of(
    clip: Clip,
    queries: Tensor,
    xy: Tensor,
    visible: Tensor,
    tick: Callable[[], None] = lambda: None,
) -> Tracks:
    """Build the result of a tracker.

    At its query every point has the query's position and is visible. Points outside the canvas are
    invisible. Positions that are not finite become invisible and take the query's position. After a
    cut, points that look like other things become invisible; see visible_across_cuts.

    Args:
        clip: The video.
        queries: (N, 3), checked.
        xy: (T, N, 2) positions in the clip's pixels.
        visible: (T, N) bool.
        tick: Called per picture that is compared after a cut; may raise to stop.
    """
    size = clip.size
    known = torch.isfinite(xy).all(dim=-1)
    xy = torch.where(known[..., None], xy, queries[None, :, 1:]).clone()
    if not bool(known.all()):
        count = int((~known).sum())
        logger.warning("%d of %d positions are not finite: hidden.", count, known.numel())
    inside = (xy >= 0).all(dim=-1) & (xy[..., 0] < size.width) & (xy[..., 1] < size.height)
    visible = visible & known & inside
    rows, columns = queries[:, 0].long(), torch.arange(len(queries))
    xy[rows, columns] = queries[:, 1:]
    visible[rows, columns] = True
    visible = visible_across_cuts(clip, queries, xy, visible, tick)
    return make_tracks(xy, size, visible=visible, fps=clip.fps)


@dataclass
class Work:
    """Progress of a task: reports it and stops on request."""

    total: int
    progress: Progress = silent
    should_stop: ShouldStop = never
    done: int = 0

    def step(self, count: int = 1) -> None:
        """Report that `count` more units are done.

        Raises:
            TrackingStopped: should_stop returned True.
        """
        if self.should_stop():
            raise TrackingStopped("tracking was stopped.")
        self.done += count
        self.progress(self.done, self.total)
