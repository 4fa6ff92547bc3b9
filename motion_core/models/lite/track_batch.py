"""Tracks as the control encoder reads them: where they start, how they move, how far to trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ...geometry import Size
from ...tracks.model import Tracks

# Lengths are counted in units: a canvas has an area of UNITS x UNITS of them.
UNITS = 8.0
# Trust in a position that was filled in because the point is not visible there: next to nothing,
# unless no other point is visible either.
FILLED_TRUST = 0.02
# Nothing on any canvas is that far, and no square of it overflows.
FARTHEST_UNITS = 64.0


@dataclass(frozen=True, eq=False)
class TrackBatch:
    """A batch of track sets, padded to the same N.

    place:   (B, N, 2) units from the middle of the canvas, in the picture.
    spot:    (B, N, 2) the same as -1..1 across the canvas, as grid_sample wants it.
    moved:   (B, N, T, 2) units from there; filled in where a point is not visible.
    trust:   (B, N, T) 1 where visible, FILLED_TRUST where not, 0 for padding.
    present: (B, N) bool, False for padding.
    """

    place: Tensor
    spot: Tensor
    moved: Tensor
    trust: Tensor
    present: Tensor

    def to(self, device: torch.device | str) -> TrackBatch:
        """The same on another device."""
        parts = (self.place, self.spot, self.moved, self.trust, self.present)
        return TrackBatch(*(part.to(device) for part in parts))


def unit_px(canvas: Size) -> float:
    """How many pixels of a canvas a unit is, along both axes: UNITS squared of them fill it."""
    return (canvas.width * canvas.height) ** 0.5 / UNITS


def make_track_batch(batch: Sequence[Tracks]) -> TrackBatch:
    """What track sets of the same number of frames tell.

    A point that is first seen after frame 0 is taken to have rested until then; between visible
    frames a lost point is taken to move evenly, past the last one to rest. Points that are never
    seen are dropped. Raises ShapeError for sets of different length, or none.
    """
    if len({tracks.num_frames for tracks in batch}) != 1:
        lengths = sorted({tracks.num_frames for tracks in batch})
        raise ShapeError(
            f"a batch of tracks must share one number of frames; got {lengths}. Resample them."
        )
    parts = [_of_one(tracks) for tracks in batch]
    # One absent track where there is none: attention over nothing has no maximum.
    most = max(1, *(len(part[0]) for part in parts))
    padded = [[_padded(value, most) for value in part] for part in parts]
    place, spot, moved, trust = (torch.stack(column) for column in zip(*padded, strict=True))
    counts = torch.tensor([len(part[0]) for part in parts], device=place.device)
    present = torch.arange(most, device=place.device) < counts[:, None]
    return TrackBatch(place, spot, moved, trust, present)


def every_nth(count: int, most: int) -> Tensor:
    """(K,) indices of at most `most` of `count` things, evenly in their order."""
    kept = min(count, most)
    return torch.arange(kept) * count // max(kept, 1)


def _of_one(tracks: Tracks) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    xy, visible = tracks.xy, tracks.visible
    keep = visible.any(dim=0)
    xy, visible = xy[:, keep], visible[:, keep]
    size = xy.new_tensor(tracks.size)
    if not xy.shape[1]:
        empty = xy.new_zeros(0, 2)
        return empty, empty, xy.new_zeros(0, len(xy), 2), xy.new_zeros(0, len(xy))
    whole = filled(xy, visible)
    start = whole[0]
    unit = unit_px(tracks.size)
    place = (start - size / 2) / unit
    moved = ((whole - start) / unit).clamp(-FARTHEST_UNITS, FARTHEST_UNITS)
    trust = torch.where(visible, 1.0, FILLED_TRUST)
    reach = place.clamp(-FARTHEST_UNITS, FARTHEST_UNITS)
    return reach, start / size * 2 - 1, moved.transpose(0, 1), trust.T


def filled(xy: Tensor, visible: Tensor) -> Tensor:
    """(T, N, 2) positions with the invisible ones filled in from the visible ones.

    Before it is first seen a point rests, between it moves evenly, at last it rests again; one
    that is never seen stays anywhere.
    """
    frames = len(xy)
    frame = torch.arange(frames, device=xy.device)[:, None].expand_as(visible)
    before = torch.where(visible, frame, -1).cummax(dim=0).values
    after = torch.where(visible, frame, frames).flip(0).cummin(dim=0).values.flip(0)
    before = torch.where(before < 0, after, before)
    after = torch.where(after == frames, before, after)
    low = xy.gather(0, before[..., None].expand_as(xy))
    high = xy.gather(0, after[..., None].expand_as(xy))
    share = (frame - before) / (after - before).clamp(min=1)
    return torch.lerp(low, high, share.clamp(0, 1)[..., None])


def _padded(value: Tensor, length: int) -> Tensor:
    out = value.new_zeros(length, *value.shape[1:])
    out[: len(value)] = value
    return out
