"""Where a video moves as a reference does, as numbers and as a heat map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import ShapeError
from ...progress import Progress, silent
from ...tracks.model import Tracks
from .features import content_removed, fingerprint, tap_of, video_features
from .reference import MotionReference

# Blue through white to red: opposite, nothing in common, the same.
COLD, NEUTRAL, WARM = (0.13, 0.30, 0.75), (0.92, 0.92, 0.92), (0.80, 0.10, 0.12)
OPACITY = 0.65
# Norms below this fraction of the reference's largest are raised to it. Otherwise rest, and frames
# in which everything passes its mean, would count as motion.
FADE = 0.2


def similarity(
    model: Any,
    reference: MotionReference,
    video: Tensor,
    follow: Callable[[], Tracks],
    progress: Progress = silent,
) -> Tensor:
    """(T, grid, grid) float32 -1..1: cosine between the reference's motion and that of each place.

    Over the motion channels, for each frame; it fades to 0 where little moves.

    Args:
        model: The model that the reference was read with.
        reference: The motion to look for.
        video: (T, H, W, 3) float 0..1.
        follow: See FeatureTap.encode_video.
        progress: Callback.

    Raises:
        ValueError: For a reference of another model.
        ShapeError: For a reference of another length.

    Also raises what video_features raises.
    """
    if fingerprint(tap_of(model).traits.weights) != reference.channels.weights:
        raise ValueError(
            "the motion reference was made with other weights; connect the same model to both."
        )
    features = video_features(model, video, reference.probe, follow, progress)
    return course_similarity(content_removed(features)[:, reference.channels.index], reference)


def course_similarity(motion: Tensor, reference: MotionReference) -> Tensor:
    """Cosines between motion features and a reference's course; see FADE.

    Args:
        motion: (T, K, h, w) motion features.
        reference: With a course (T, K).

    Returns:
        (T, h, w) -1..1.

    Raises:
        ShapeError: Frames or channels differ.
    """
    course = reference.course
    if motion.shape[:2] != course.shape:
        raise ShapeError(
            f"the video's features are {tuple(motion.shape[:2])} frames and channels but the "
            f"reference's are {tuple(course.shape)}; make both with as many frames."
        )
    dot = torch.einsum("tkhw,tk->thw", motion, course)
    norm = course.norm(dim=1)[:, None, None]
    least = (FADE * norm.max()).clamp(min=torch.finfo(dot.dtype).tiny ** 0.5)
    return dot / (motion.norm(dim=1).clamp(min=least) * norm.clamp(min=least))


def heat_picture(heat: Tensor, video: Tensor, progress: Progress = silent) -> Tensor:
    """Similarity as colours over a grey video: red for the same motion, blue for the opposite.

    Args:
        heat: (F, h, w) -1..1; every frame of the video shows the nearest in time.
        video: (T, H, W, 3) float 0..1.
        progress: Called per frame.

    Returns:
        (T, H, W, 3) float 0..1.

    Raises:
        ShapeError: For other shapes, or empty tensors.
    """
    if heat.ndim != 3 or video.ndim != 4 or 0 in heat.shape or not len(video):
        raise ShapeError(
            f"expected heat (F, h, w) and video (T, H, W, 3); got {tuple(heat.shape)} and "
            f"{tuple(video.shape)}."
        )
    at = torch.linspace(0, len(heat) - 1, len(video)).round().long()
    drawn = torch.empty_like(video, dtype=torch.float32)
    for frame, picture in enumerate(video):
        drawn[frame] = _heated(heat[at[frame]], picture)
        progress(frame + 1, len(video))
    return drawn


def _heated(heat: Tensor, picture: Tensor) -> Tensor:
    """One picture (H, W, 3) of heat_picture."""
    size = picture.shape[:2]
    wide = functional.interpolate(heat[None, None], size, mode="bilinear", align_corners=False)
    amount = wide[0, 0, :, :, None].clamp(-1, 1)
    cold, neutral, warm = (torch.tensor(colour) for colour in (COLD, NEUTRAL, WARM))
    colour = neutral + amount.clamp(min=0) * (warm - neutral)
    colour = colour + (-amount).clamp(min=0) * (cold - neutral)
    # In grey, so that the video's own colours are not confused with the heat map's.
    grey = picture.float().mean(dim=-1, keepdim=True)
    return (grey * (1 - OPACITY) + colour * OPACITY).clamp(0, 1)
