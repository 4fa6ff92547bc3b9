"""The draft as a video: a picture moved along its tracks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..fields.registry import DRAFT_METHODS, make_densifier
from ..fields.render import FieldRenderer
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .compositor import Compositor

METHODS = DRAFT_METHODS
# The default, which is drawn by its own compositor instead of render_field.
LAYERED = "layered"
# Frames are drawn side by side; more workers than this only compete for memory.
MOST_WORKERS = 4


def draft(
    image: Tensor, tracks: Tracks, *, method: str = LAYERED, progress: Progress = silent
) -> Tensor:
    """The picture moving along its tracks: an instant preview.

    The picture is frame 0. With the method "layered", places without a track rest, and points at
    rest hold their surroundings. Moving points carry the object that they lie on; it is cut out
    along the picture's edges where there are any and stretched where there are none. Holes are
    filled by continuing the surroundings. A track that starts later is assumed to have rested at
    its first visible position until then. An object that has no visible point in a frame keeps its
    last position, or moves evenly to the next one. The other methods make a dense field of motion,
    which `render_field` draws. Without tracks, or without motion, every frame is the picture, bit
    for bit.

    Args:
        image: (H, W, 3) float 0..1 of any float dtype.
        tracks: on the same canvas.
        method: one of METHODS.
        progress: called per frame.

    Returns:
        (T, H, W, 3) float32 on the image's device; see `draft_frames` for long clips of large
        pictures.

    Raises:
        TypeError, ShapeError, ValueError: the image is not a picture, or the method is unknown.
        CanvasError: the tracks were measured on another canvas.
    """
    if checked_method(method) != LAYERED:
        drawn = list(draft_frames(image, tracks, method=method, progress=progress))
        return torch.stack(drawn) if drawn else image.new_zeros(0, *image.shape).float()
    compositor = Compositor(image, tracks, progress)
    video = np.empty((tracks.num_frames, *compositor.picture.shape), np.float32)
    with ThreadPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1)) as workers:
        jobs = [workers.submit(compositor.draw, frame, video[frame]) for frame in range(len(video))]
        try:
            for done, job in enumerate(jobs, start=1):
                job.result()
                progress(done, len(video))
        finally:
            workers.shutdown(cancel_futures=True)
    return torch.from_numpy(video).to(image.device)


def draft_frames(
    image: Tensor, tracks: Tracks, *, method: str = LAYERED, progress: Progress = silent
) -> Iterator[Tensor]:
    """The frames of `draft`, one at a time, for clips that do not fit into memory.

    Args:
        image: see `draft`.
        tracks: see `draft`.
        method: one of METHODS.
        progress: called per frame.

    Returns:
        (H, W, 3) float32 each.

    Raises:
        The errors of `draft`, before the first frame.
    """
    total = tracks.num_frames
    if checked_method(method) == LAYERED:
        return _composited(Compositor(image, tracks, progress), image, total, progress)

    def tick(done: int, total: int) -> None:
        progress(0, tracks.num_frames)

    field = make_densifier(method)(image, tracks, tick)
    return _rendered(FieldRenderer(image, field), image, total, progress)


def checked_method(method: str) -> str:
    """The name itself. Raises ValueError when no method has that name."""
    if method not in METHODS:
        raise ValueError(f"method must be one of: {', '.join(METHODS)}; got {method!r}.")
    return method


def _composited(
    compositor: Compositor, image: Tensor, total: int, progress: Progress
) -> Iterator[Tensor]:
    for frame in range(total):
        out = np.empty(compositor.picture.shape, np.float32)
        compositor.draw(frame, out)
        progress(frame + 1, total)
        yield torch.from_numpy(out).to(image.device)


def _rendered(
    renderer: FieldRenderer, image: Tensor, total: int, progress: Progress
) -> Iterator[Tensor]:
    for frame in range(total):
        colours, _ = renderer.draw(frame)
        progress(frame + 1, total)
        yield torch.from_numpy(colours).to(image.device)
