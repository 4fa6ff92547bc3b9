"""How alike the motion of two videos is, whatever is where in them (MOFT, Eq. 5 and 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError
from ..tracks.model import Tracks

# A step shorter than this part of the short side counts as rest.
REST_FRAC = 1e-4
# Pairs of tracks that are compared at once.
CHUNK = 256


def motion_fidelity(made: Tracks, wished: Tracks, rest_frac: float = REST_FRAC) -> float:
    """-1..1: for every track of one video the likest of the other, averaged both ways.

    How alike two tracks are is the mean cosine of their steps from frame to frame (Eq. 5), over
    steps at whose ends both are visible; two steps at rest are alike (1), one at rest beside one
    that moves is not (0). The paper's sum of both means (Eq. 6) is twice this. Canvases may
    differ; directions are compared in pixels of each. NaN where no two tracks share a step.
    rest_frac: of the short side. Raises ShapeError when the frame counts differ.
    """
    if made.num_frames != wished.num_frames:
        raise ShapeError(
            f"both must have as many frames; got {made.num_frames} and {wished.num_frames}. "
            "Retime one of them (Retime Tracks)."
        )
    alike = track_likeness(made, wished, rest_frac)
    both = [_best(alike), _best(alike.T)]
    return float((both[0] + both[1]) / 2)


def track_likeness(made: Tracks, wished: Tracks, rest_frac: float = REST_FRAC) -> Tensor:
    """(N, M) float32 of Eq. 5 for every pair; NaN where a pair shares no step."""
    ours, theirs = _steps(made, rest_frac), _steps(wished, rest_frac)
    parts = [_likeness(ours, theirs, slice(n, n + CHUNK)) for n in range(0, made.num_points, CHUNK)]
    return torch.cat(parts) if parts else torch.zeros(0, wished.num_points)


def _steps(tracks: Tracks, rest_frac: float) -> tuple[Tensor, Tensor, Tensor]:
    """(F, N, 2) unit steps, zero at rest; (F, N) whether it moves; (F, N) whether it is seen."""
    step = tracks.xy[1:] - tracks.xy[:-1]
    length = step.norm(dim=-1)
    seen = tracks.visible[1:] & tracks.visible[:-1]
    moves = length > rest_frac * min(tracks.size)
    unit = torch.where(moves[..., None], step / length.clamp(min=1e-12)[..., None], 0.0)
    return unit, moves, seen


def _likeness(
    ours: tuple[Tensor, Tensor, Tensor], theirs: tuple[Tensor, Tensor, Tensor], part: slice
) -> Tensor:
    unit, moves, seen = (value[:, part] for value in ours)
    other_unit, other_moves, other_seen = theirs
    cosine = torch.einsum("fnc,fmc->fnm", unit, other_unit)
    rest = ~moves[:, :, None] & ~other_moves[:, None]
    counts = seen[:, :, None] & other_seen[:, None]
    total = torch.where(counts, torch.where(rest, 1.0, cosine), 0.0).sum(dim=0)
    return total / counts.sum(dim=0)


def _best(alike: Tensor) -> Tensor:
    """Mean over rows of each row's largest value; rows without any are left out."""
    known = ~alike.isnan()
    best = torch.where(known, alike, float("-inf")).amax(dim=1) if alike.numel() else alike[:, :0]
    rows = known.any(dim=1)
    return best[rows].mean() if bool(rows.any()) else alike.new_tensor(float("nan"))
