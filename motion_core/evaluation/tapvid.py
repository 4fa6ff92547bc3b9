"""TAP-Vid's metrics of tracking accuracy (Doersch et al., NeurIPS 2022, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..tracks import Tracks

# Pixels of a picture of 256 x 256; both sets of tracks are scaled to it first.
THRESHOLDS_PX = (1.0, 2.0, 4.0, 8.0, 16.0)
SIDE = 256.0


@dataclass(frozen=True)
class TapVidScores:
    """Fractions from 0 to 1, higher is better; NaN where nothing was counted.

    Attributes:
        delta_avg: fraction of the visible points within a threshold, averaged over the thresholds.
        occlusion_accuracy: fraction of points and frames whose visibility is right.
        average_jaccard: both at once, averaged over the thresholds.
        delta: the fraction for each of THRESHOLDS_PX.
        jaccard: the Jaccard index for each of THRESHOLDS_PX.
    """

    delta_avg: float
    occlusion_accuracy: float
    average_jaccard: float
    delta: tuple[float, ...]
    jaccard: tuple[float, ...]


def tapvid_scores(
    found: Tracks,
    truth: Tracks,
    query_frames: Tensor,
    frames: Literal["after", "all"] = "all",
) -> TapVidScores:
    """Scores of estimated tracks against true ones, over all points and frames of one clip.

    Args:
        found: the estimated tracks.
        truth: the true tracks of the same N points, on the same canvas.
        query_frames: (N,) the frame of each point's query, which never counts.
        frames: "after" counts the frames after the query (TAP-Vid's "first"), "all" also those
            before it ("strided").

    Raises:
        ShapeError, CanvasError: the tracks differ in shape or canvas.
        ValueError: a query frame lies outside the clip.
    """
    _check(found, truth, query_frames)
    time = torch.arange(truth.num_frames)[:, None]
    counted = time > query_frames if frames == "after" else time != query_frames
    scale = torch.tensor([SIDE / truth.size.width, SIDE / truth.size.height], dtype=torch.float64)
    distance = ((found.xy.double() - truth.xy.double()) * scale).norm(dim=-1)[counted]
    true_visible, visible = truth.visible[counted], found.visible[counted]
    delta, jaccard = [], []
    for threshold in THRESHOLDS_PX:
        near = distance < threshold
        delta.append(_fraction(near & true_visible, true_visible))
        right = (near & true_visible & visible).sum()
        wrong = (visible & ~(near & true_visible)).sum()
        whole = int(true_visible.sum() + wrong)
        jaccard.append(float(right) / whole if whole else float("nan"))
    accuracy = float((true_visible == visible).double().mean())
    return TapVidScores(
        sum(delta) / len(delta),
        accuracy,
        sum(jaccard) / len(jaccard),
        tuple(delta),
        tuple(jaccard),
    )


def _fraction(part: Tensor, whole: Tensor) -> float:
    count = int(whole.sum())
    return float(part.sum()) / count if count else float("nan")


def _check(found: Tracks, truth: Tracks, query_frames: Tensor) -> None:
    if found.visible.shape != truth.visible.shape:
        raise ShapeError(
            f"found tracks are (T, N) = {tuple(found.visible.shape)} but the true ones "
            f"{tuple(truth.visible.shape)}; compare the same points over the same frames."
        )
    if found.size != truth.size:
        raise CanvasError(
            f"found tracks lie on {found.size} but the true ones on {truth.size}; fit them first."
        )
    if query_frames.shape != (truth.num_points,):
        raise ShapeError(
            f"query_frames must be (N,) = ({truth.num_points},); got {tuple(query_frames.shape)}."
        )
    if bool(((query_frames < 0) | (query_frames >= truth.num_frames)).any()):
        raise ValueError(f"query frames must be 0..{truth.num_frames - 1}.")
