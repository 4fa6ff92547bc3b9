"""Errors of the videos that are rendered from motion."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..draft import LAYERED, draft_frames
from ..errors import CanvasError, ShapeError
from ..fields.densifier import Densifier
from ..fields.render import FieldRenderer, render_field
from ..geometry import Size
from ..trackers import LucasKanade, Tracker, track_queries
from ..tracks.model import Tracks
from .methods import DRAFT
from .perceptual import Perceptual
from .video_similarity import psnr, ssim

PLACES = ("psnr", "ssim", "lpips", "followed", "found")


def video_of(name: str, densifier: Densifier, image: Tensor, tracks: Tracks) -> Tensor:
    """The image moved by a method's field; the draft composites its layers instead.

    Args:
        name: The method's name; DRAFT stands for the draft.
        densifier: Gives the field.
        image: (H, W, 3) float 0..1.
        tracks: (T, N) on the image's canvas.

    Returns:
        (T, H, W, 3).
    """
    if name == DRAFT:
        return torch.stack(list(draft_frames(image, tracks, method=LAYERED)))
    frames, _ = render_field(image, densifier(image, tracks))
    return frames


def last_frame_of(name: str, densifier: Densifier, image: Tensor, tracks: Tracks) -> Tensor:
    """(H, W, 3) the last frame of video_of, alone."""
    if name == DRAFT:
        return list(draft_frames(image, tracks, method=LAYERED))[-1]
    field = densifier(image, tracks)
    colours, _ = FieldRenderer(image, field).draw(field.frames - 1)
    return torch.from_numpy(colours)


def video_errors(
    video: Tensor, truth: Tensor, target: Tracks, perceptual: Perceptual
) -> dict[str, float]:
    """Errors of a video against the true one and against its target tracks.

    Frame 0 is the input and does not count.

    Args:
        video: (T, H, W, 3) 0..1.
        truth: of the same shape.
        target: the tracks that the video should follow.
        perceptual: measures LPIPS.

    Returns:
        psnr, ssim and lpips, see video_similarity.py and perceptual.py (lpips is NaN where its
        weights are missing); followed and found, see followed().
    """
    error, fraction = followed(video, target)
    return {
        "psnr": psnr(video[1:], truth[1:]),
        "ssim": ssim(video[1:], truth[1:]),
        "lpips": perceptual(video[1:], truth[1:]),
        "followed": error,
        "found": fraction,
    }


def followed(video: Tensor, target: Tracks, tracker: Tracker | None = None) -> tuple[float, float]:
    """Endpoint error between target tracks and the video's points, found again by a tracker.

    The tracker goes forwards and backwards and drops a point that does not come back.

    Args:
        video: (T, H, W, 3) 0..1.
        target: the tracks that the video is to follow.
        tracker: Lucas-Kanade unless another is given.

    Returns:
        The mean endpoint error in pixels over what it found of the target's visible points of
        frames 1..T-1, and the fraction 0..1 that it found; NaN where there was none.

    Raises:
        CanvasError, ShapeError: video and tracks do not belong together.
    """
    height, width = video.shape[1:3]
    if Size(width, height) != target.size:
        raise CanvasError(f"the video is {width}x{height} but the tracks lie on {target.size}.")
    if len(video) != target.num_frames:
        raise ShapeError(f"the video has {len(video)} frames, the tracks {target.num_frames}.")
    start = target.visible[:1].any(dim=0) & _inside(target)
    if target.num_frames < 2 or not bool(target.visible[1:, start].any()):
        return math.nan, math.nan
    queries, ids = track_queries(target, 0, target.size)
    tracked = (tracker or LucasKanade()).track(video, queries)
    kept = torch.isin(target.ids, ids)
    visible = target.visible[1:, kept]
    both = visible & tracked.visible[1:]
    if not bool(both.any()):
        return math.nan, 0.0
    error = (tracked.xy - target.xy[:, kept]).norm(dim=-1)[1:][both]
    return float(error.mean()), float(both.sum()) / float(visible.sum())


def _inside(tracks: Tracks) -> Tensor:
    size = tracks.xy.new_tensor(tracks.size)
    return ((tracks.xy[0] >= 0) & (tracks.xy[0] < size)).all(dim=-1)
