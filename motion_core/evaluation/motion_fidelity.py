"""Motion fidelity: similarity of the motion of two videos, whatever they show (MOFT, Eq. 5, 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError
from ..tracks.model import Tracks

# A step shorter than this fraction of the short side counts as rest.
REST_FRAC = 1e-4
# Pairs of tracks that are compared at once.
CHUNK = 256


def motion_fidelity(generated: Tracks, target: Tracks, rest_frac: float = REST_FRAC) -> float:
    """The similarity of every track of one video to the nearest of the other, averaged both ways.

    The similarity of two tracks is the mean cosine of their steps from frame to frame (Eq. 5), over
    steps at whose ends both are visible. Two steps at rest count as 1, one at rest beside one that
    moves as 0. The paper's sum of both means (Eq. 6) is twice this.

    Args:
        generated: tracks in the one video.
        target: tracks in the other. Canvases may differ; directions are compared in pixels of each.
        rest_frac: a shorter step counts as rest, as a fraction of the short side.

    Returns:
        -1..1; NaN where no two tracks share a step.

    Raises:
        ShapeError: the frame counts differ.
    """
    if generated.num_frames != target.num_frames:
        raise ShapeError(
            f"both must have the same number of frames; got {generated.num_frames} and "
            f"{target.num_frames}. Retime one of them (Retime Tracks)."
        )
    similarity = track_similarity(generated, target, rest_frac)
    both = [_best(similarity), _best(similarity.T)]
    return float((both[0] + both[1]) / 2)


def track_similarity(generated: Tracks, target: Tracks, rest_frac: float = REST_FRAC) -> Tensor:
    """(N, M) float32 of Eq. 5 for every pair; NaN where a pair shares no step."""
    steps, other_steps = _steps(generated, rest_frac), _steps(target, rest_frac)
    parts = [
        _similarity(steps, other_steps, slice(n, n + CHUNK))
        for n in range(0, generated.num_points, CHUNK)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, target.num_points)


def _steps(tracks: Tracks, rest_frac: float) -> tuple[Tensor, Tensor, Tensor]:
    """(F, N, 2) unit steps, zero at rest; (F, N) whether it moves; (F, N) whether it is visible."""
    step = tracks.xy[1:] - tracks.xy[:-1]
    length = step.norm(dim=-1)
    visible = tracks.visible[1:] & tracks.visible[:-1]
    moves = length > rest_frac * min(tracks.size)
    unit = torch.where(moves[..., None], step / length.clamp(min=1e-12)[..., None], 0.0)
    return unit, moves, visible


def _similarity(
    steps: tuple[Tensor, Tensor, Tensor], other_steps: tuple[Tensor, Tensor, Tensor], part: slice
) -> Tensor:
    unit, moves, visible = (value[:, part] for value in steps)
    other_unit, other_moves, other_visible = other_steps
    cosine = torch.einsum("fnc,fmc->fnm", unit, other_unit)
    rest = ~moves[:, :, None] & ~other_moves[:, None]
    counts = visible[:, :, None] & other_visible[:, None]
    total = torch.where(counts, torch.where(rest, 1.0, cosine), 0.0).sum(dim=0)
    return total / counts.sum(dim=0)


def _best(similarity: Tensor) -> Tensor:
    """Mean over rows of each row's largest value; rows without any are left out."""
    known = ~similarity.isnan()
    best = (
        torch.where(known, similarity, float("-inf")).amax(dim=1)
        if similarity.numel()
        else similarity[:, :0]
    )
    rows = known.any(dim=1)
    return best[rows].mean() if bool(rows.any()) else similarity.new_tensor(float("nan"))
