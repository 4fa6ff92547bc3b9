"""PSNR and SSIM of two videos."""

from __future__ import annotations

import math

from torch import Tensor

from ..errors import MissingExtraError, ShapeError

# Differences above this are invisible; equal videos would give infinity.
MOST_DB = 100.0


def psnr(video: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio in decibel, over all pixels of a video.

    Args:
        video: (T, H, W, 3) 0..1.
        truth: of the same shape.

    Returns:
        At most 100, the value for equal videos.

    Raises:
        ShapeError: the shapes differ.
    """
    _check_same_shape(video, truth)
    error = float((video.double() - truth.double()).square().mean())
    return min(MOST_DB, -10.0 * math.log10(error)) if error > 0 else MOST_DB


def ssim(video: Tensor, truth: Tensor) -> float:
    """Structural similarity, frame by frame; 1 for equal videos.

    Wang et al. 2004 with an 11-pixel Gaussian window, as torchmetrics computes it.

    Args:
        video: (T, H, W, 3) 0..1.
        truth: of the same shape.

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
    planes, target = (frames.float().movedim(-1, 1) for frames in (video, truth))
    return float(measure(planes, target, data_range=1.0))  # type: ignore[arg-type]


def _check_same_shape(video: Tensor, truth: Tensor) -> None:
    if video.shape != truth.shape or video.ndim != 4:
        raise ShapeError(
            f"two videos (T, H, W, 3) of one shape are needed; got {tuple(video.shape)} and "
            f"{tuple(truth.shape)}."
        )
