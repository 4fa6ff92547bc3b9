"""Real clips moved along a few of their own tracks: the figures of every method."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...tracks.model import Tracks
from ..field_errors import track_error
from ..video_similarity import psnr, ssim
from .clip_tracks import TrackedClip, held_out_tracks
from .lpips import Lpips
from .methods import Method
from .vmaf import Vmaf

# In the order of the tables.
FIGURES = ("unseen", "apart", "given", "marked", "psnr", "ssim", "lpips", "vmaf")
# LPIPS is measured on every so many frames; fewer tracks than this are no sample.
LPIPS_EVERY, LEAST_APART = 5, 8


def clip_figures(
    method: Method,
    clip: TrackedClip,
    given: Tracks,
    lpips: Lpips | None,
    vmaf: Vmaf | None = None,
) -> dict[str, float]:
    """The figures of one method.

    Args:
        method: moves the first frame.
        clip: with its tracks.
        given: the tracks that the method gets.
        lpips: measures the frames, or None.
        vmaf: measures the video, or None.

    Returns:
        unseen: mean endpoint error at the tracks that were not given, frames 1..T-1, pixels of
        LONG_SIDE; apart: at those of them that do not follow the dominant motion, NaN where they
        are fewer than LEAST_APART; given: at the given ones; marked: at the points that people have
        marked, NaN without any; psnr, ssim: of frames 1..T-1 against the clip's own; lpips: of
        every LPIPS_EVERY-th, NaN without lpips; vmaf: of frames 1..T-1, NaN without vmaf.
    """
    image = clip.video[0]
    drawing = method(image, given)
    moved = drawing.field().displacement
    held_out, apart = held_out_tracks(clip, given)
    frames = [torch.from_numpy(np.asarray(drawing.frame(t))) for t in range(1, len(clip.video))]
    video, truth = torch.stack(frames), clip.video[1:]
    marks = clip.marks
    return {
        "unseen": track_error(moved, held_out),
        "apart": track_error(moved, apart) if apart.num_points >= LEAST_APART else math.nan,
        "given": track_error(moved, given),
        "marked": math.nan if marks is None else track_error(moved, marks),
        "psnr": psnr(video, truth),
        "ssim": ssim(video, truth),
        "lpips": math.nan if lpips is None else _mean_distance(lpips, video, truth),
        "vmaf": math.nan if vmaf is None else vmaf(video, truth),
    }


def _mean_distance(lpips: Lpips, video: Tensor, truth: Tensor) -> float:
    chosen = slice(LPIPS_EVERY - 1, None, LPIPS_EVERY)
    return float(lpips(video[chosen], truth[chosen]).mean())
