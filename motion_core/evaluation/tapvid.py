"""How well points were followed: TAP-Vid's metrics (Doersch et al., NeurIPS 2022, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..tracks import Tracks

# Pixels of a picture of 256 x 256, to which both sides are scaled first.
THRESHOLDS_PX = (1.0, 2.0, 4.0, 8.0, 16.0)
SIDE = 256.0


@dataclass(frozen=True)
class TapVidScores:
    """Shares from 0 to 1, more is better; NaN where there was nothing to count.

    delta_avg: points in sight that were put near enough, averaged over the thresholds.
    occlusion_accuracy: points and frames whose visibility was right.
    average_jaccard: both at once, averaged over the thresholds.
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
    """The scores of found tracks against true ones, over all points and frames of one clip.

    query_frames: (N,), where each point was asked for; that frame never counts. frames: "after"
    counts the frames behind it (TAP-Vid's "first"), "all" those before it too ("strided").
    Raises ShapeError or CanvasError when the two do not belong together, ValueError for query
    frames outside the clip.
    """
    _check(found, truth, query_frames)
    time = torch.arange(truth.num_frames)[:, None]
    counted = time > query_frames if frames == "after" else time != query_frames
    scale = torch.tensor([SIDE / truth.size.width, SIDE / truth.size.height], dtype=torch.float64)
    apart = ((found.xy.double() - truth.xy.double()) * scale).norm(dim=-1)[counted]
    shown, seen = truth.visible[counted], found.visible[counted]
    delta, jaccard = [], []
    for threshold in THRESHOLDS_PX:
        near = apart < threshold
        delta.append(_share(near & shown, shown))
        right = (near & shown & seen).sum()
        wrong = (seen & ~(near & shown)).sum()
        whole = int(shown.sum() + wrong)
        jaccard.append(float(right) / whole if whole else float("nan"))
    accuracy = float((shown == seen).double().mean())
    return TapVidScores(
        sum(delta) / len(delta),
        accuracy,
        sum(jaccard) / len(jaccard),
        tuple(delta),
        tuple(jaccard),
    )


def _share(part: Tensor, whole: Tensor) -> float:
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
