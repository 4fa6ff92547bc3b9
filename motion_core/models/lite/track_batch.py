"""Tracks as the control encoder reads them: start, displacement and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ...geometry import Size
from ...tracks.model import Tracks
from ...tracks.start import fill_gaps

# Lengths are counted in units: a canvas has an area of UNITS x UNITS of them.
UNITS = 8.0
# Confidence in a position that was filled in because the point is not visible there: next to
# nothing, unless no other point is visible either.
FILLED_CONFIDENCE = 0.02
# No displacement on any canvas is longer, and its square does not overflow.
FARTHEST_UNITS = 64.0


@dataclass(frozen=True, eq=False)
class TrackBatch:
    """A batch of track sets, padded to the same N.

    Attributes:
        start: (B, N, 2) units from the middle of the canvas, in the picture.
        start_ndc: (B, N, 2) the same as -1..1 across the canvas, as grid_sample reads it.
        displacement: (B, N, T, 2) units from `start`; filled in where a point is not visible.
        confidence: (B, N, T) 1 where visible, FILLED_CONFIDENCE where not, 0 for padding.
        valid: (B, N) bool, False for padding.
    """

    start: Tensor
    start_ndc: Tensor
    displacement: Tensor
    confidence: Tensor
    valid: Tensor

    def to(self, device: torch.device | str) -> TrackBatch:
        """The same on another device."""
        parts = (self.start, self.start_ndc, self.displacement, self.confidence, self.valid)
        return TrackBatch(*(part.to(device) for part in parts))


def unit_px(canvas: Size) -> float:
    """Pixels per unit of length on a canvas, the same along both axes."""
    return (canvas.width * canvas.height) ** 0.5 / UNITS


def make_track_batch(batch: Sequence[Tracks]) -> TrackBatch:
    """Track sets of the same number of frames as one padded batch.

    A point that is first visible after frame 0 rests until then. Between visible frames a hidden
    point moves evenly, past the last one it rests. Points that are never visible are dropped.
    Raises ShapeError for sets of different length, or none.
    """
    if len({tracks.num_frames for tracks in batch}) != 1:
        lengths = sorted({tracks.num_frames for tracks in batch})
        raise ShapeError(
            f"a batch of tracks must share one number of frames; got {lengths}. Resample them."
        )
    parts = [_unpadded(tracks) for tracks in batch]
    # One padded track where there is none: attention over nothing has no maximum.
    most = max(1, *(len(part[0]) for part in parts))
    padded = [[_padded(value, most) for value in part] for part in parts]
    columns = (torch.stack(column) for column in zip(*padded, strict=True))
    start, start_ndc, displacement, confidence = columns
    counts = torch.tensor([len(part[0]) for part in parts], device=start.device)
    valid = torch.arange(most, device=start.device) < counts[:, None]
    return TrackBatch(start, start_ndc, displacement, confidence, valid)


def _unpadded(tracks: Tracks) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Start, start_ndc, displacement and confidence of one track set."""
    xy, visible = tracks.xy, tracks.visible
    keep = visible.any(dim=0)
    xy, visible = xy[:, keep], visible[:, keep]
    size = xy.new_tensor(tracks.size)
    if not xy.shape[1]:
        empty = xy.new_zeros(0, 2)
        return empty, empty, xy.new_zeros(0, len(xy), 2), xy.new_zeros(0, len(xy))
    whole = fill_gaps(xy, visible)
    first = whole[0]
    unit = unit_px(tracks.size)
    start = ((first - size / 2) / unit).clamp(-FARTHEST_UNITS, FARTHEST_UNITS)
    displacement = ((whole - first) / unit).clamp(-FARTHEST_UNITS, FARTHEST_UNITS)
    confidence = torch.where(visible, 1.0, FILLED_CONFIDENCE)
    return start, first / size * 2 - 1, displacement.transpose(0, 1), confidence.T


def _padded(value: Tensor, length: int) -> Tensor:
    out = value.new_zeros(length, *value.shape[1:])
    out[: len(value)] = value
    return out
