"""PSNR and SSIM of two videos."""

from __future__ import annotations

import math

from torch import Tensor

from ..errors import ShapeError
from ..progress import Progress, silent

# Differences above this are invisible; equal videos would give infinity.
MOST_DB = 100.0
# Pixels along the side of SSIM's window, and the shortest side whose borders can be reflected.
WINDOW, LEAST_SIDE = 11, 6


def psnr(video: Tensor, truth: Tensor, progress: Progress = silent) -> float:
    """Peak signal-to-noise ratio in decibel, over all pixels of a video.

    Args:
        video: (T, H, W, 3) 0..1.
        truth: of the same shape.
        progress: Called per frame.

    Returns:
        At most 100, the value for equal videos.

    Raises:
        ShapeError: the shapes differ.
    """
    _check_same_shape(video, truth)
    errors = []
    for done, (frame, target) in enumerate(zip(video, truth, strict=True), start=1):
        errors.append(float((frame.double() - target.double()).square().mean()))
        progress(done, len(video))
    error = math.fsum(errors) / max(len(errors), 1)
    return min(MOST_DB, -10.0 * math.log10(error)) if error > 0 else MOST_DB


def ssim(video: Tensor, truth: Tensor, progress: Progress = silent) -> float:
    """Structural similarity, frame by frame; 1 for equal videos.

    Wang et al. 2004 with an 11-pixel Gaussian window; the borders are reflected.

    Args:
        video: (T, H, W, 3) 0..1.
        truth: of the same shape.
        progress: Called per frame.

    Raises:
        ShapeError: the shapes differ, or a side is shorter than LEAST_SIDE.
    """
    from kornia.metrics import ssim as similarity

    _check_same_shape(video, truth)
    if min(video.shape[1:3]) < LEAST_SIDE:
        raise ShapeError(
            f"SSIM needs sides of at least {LEAST_SIDE} pixels; the video is "
            f"{video.shape[2]}x{video.shape[1]}."
        )
    values = []
    for done, pair in enumerate(zip(video, truth, strict=True), start=1):
        frame, target = (one.float().movedim(-1, 0)[None] for one in pair)
        values.append(float(similarity(frame, target, WINDOW, eps=0.0).mean()))
        progress(done, len(video))
    return math.fsum(values) / max(len(values), 1)


def _check_same_shape(video: Tensor, truth: Tensor) -> None:
    if video.shape != truth.shape or video.ndim != 4:
        raise ShapeError(
            f"two videos (T, H, W, 3) of one shape are needed; got {tuple(video.shape)} and "
            f"{tuple(truth.shape)}."
        )
