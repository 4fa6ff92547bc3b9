"""PSNR and SSIM of two videos."""

from __future__ import annotations

import math

from torch import Tensor

from ..errors import MissingExtraError, ShapeError
from ..progress import Progress, silent

# Differences above this are invisible; equal videos would give infinity.
MOST_DB = 100.0


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

    Wang et al. 2004 with an 11-pixel Gaussian window, as torchmetrics computes it.

    Args:
        video: (T, H, W, 3) 0..1.
        truth: of the same shape.
        progress: Called per frame.

    Raises:
        ShapeError: the shapes differ.
        MissingExtraError: the extra `eval` is not installed.
    """
    _check_same_shape(video, truth)
    try:
        from torchmetrics.functional.image import structural_similarity_index_measure as measure
    except ImportError as missing:
        raise MissingExtraError(
            'SSIM needs torchmetrics: python -m pip install "motion-prompting[eval]".'
        ) from missing
    values = []
    for done, pair in enumerate(zip(video, truth, strict=True), start=1):
        frame, target = (one.float().movedim(-1, 0)[None] for one in pair)
        values.append(float(measure(frame, target, data_range=1.0)))  # type: ignore[arg-type]
        progress(done, len(video))
    return math.fsum(values) / max(len(values), 1)


def _check_same_shape(video: Tensor, truth: Tensor) -> None:
    if video.shape != truth.shape or video.ndim != 4:
        raise ShapeError(
            f"two videos (T, H, W, 3) of one shape are needed; got {tuple(video.shape)} and "
            f"{tuple(truth.shape)}."
        )
