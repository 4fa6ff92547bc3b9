"""The draft as a video: a picture moved along its tracks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..fields.arrays import FloatArray
from ..fields.registry import DRAFT_METHODS, make_densifier
from ..fields.render import FieldRenderer
from ..images import image_array
from ..layers.analysis import take_apart
from ..layers.drawing import LayersRenderer
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .compositor import Compositor

METHODS = DRAFT_METHODS
# The methods that draw layers; the others make a field, which render_field draws.
LAYERED, LAYERS = "layered", "layers"
# Frames are drawn side by side; more workers than this only compete for memory.
MOST_WORKERS = 4

# Draws a frame: (H, W, 3) float32.
Draw = Callable[[int], FloatArray]


def draft(
    image: Tensor, tracks: Tracks, *, method: str = LAYERS, progress: Progress = silent
) -> Tensor:
    """The picture moving along its tracks: an instant preview.

    The picture is frame 0. Points at rest hold their surroundings; moving points carry the thing
    that they lie on. With the method "layers" things are cut out and bent as rigidly as possible
    over a filled background (`motion_core.layers`). With the method "layered" they are cut out
    along the picture's edges where there are any and stretched where there are none; places without
    a track rest. The other methods make a dense field of motion, which `render_field` draws.

    A track that starts later is assumed to have rested until then, or to have moved with its thing.
    A thing that has no visible point in a frame keeps its last position, or moves evenly to the
    next one. Without tracks, or without motion, every frame is the picture, bit for bit.

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
    draw = _drawing(image, tracks, checked_method(method), progress)
    # Room for all frames at once: a list of frames and their stack are two videos.
    video = np.empty((tracks.num_frames, *image.shape), np.float32)

    def fill(frame: int) -> None:
        video[frame] = draw(frame)

    # A field's renderer needs several frames' worth of memory for each frame that it draws.
    most = MOST_WORKERS if method in (LAYERED, LAYERS) else 1
    with ThreadPoolExecutor(min(most, os.cpu_count() or 1)) as workers:
        jobs = [workers.submit(fill, frame) for frame in range(len(video))]
        try:
            for done, job in enumerate(jobs, start=1):
                job.result()
                progress(done, len(video))
        finally:
            workers.shutdown(cancel_futures=True)
    return torch.from_numpy(video).to(image.device)


def draft_frames(
    image: Tensor, tracks: Tracks, *, method: str = LAYERS, progress: Progress = silent
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
    draw = _drawing(image, tracks, checked_method(method), progress)
    return _frames(draw, image, tracks.num_frames, progress)


def checked_method(method: str) -> str:
    """The name itself. Raises ValueError when no method has that name."""
    if method not in METHODS:
        raise ValueError(f"method must be one of: {', '.join(METHODS)}; got {method!r}.")
    return method


def _drawing(image: Tensor, tracks: Tracks, method: str, progress: Progress) -> Draw:
    """What draws the frames of a method."""
    frames = tracks.num_frames

    def tick(done: int = 0, total: int = 0) -> None:
        progress(0, frames)

    if method == LAYERED:
        compositor = Compositor(image, tracks, progress)

        def composited(frame: int) -> FloatArray:
            out = np.empty(compositor.picture.shape, np.float32)
            compositor.draw(frame, out)
            return out

        return composited
    if method == LAYERS:
        layered = take_apart(image, tracks, progress=tick)
        layers = LayersRenderer(image_array(image, tracks.size), layered, tracks, tick)
        return lambda frame: layers.draw(frame)[0]
    renderer = FieldRenderer(image, make_densifier(method)(image, tracks, tick))
    return lambda frame: renderer.draw(frame)[0]


def _frames(draw: Draw, image: Tensor, total: int, progress: Progress) -> Iterator[Tensor]:
    for frame in range(total):
        colours = draw(frame)
        progress(frame + 1, total)
        yield torch.from_numpy(colours).to(image.device)
