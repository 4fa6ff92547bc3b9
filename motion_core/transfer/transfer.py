"""Transfer of a source video's motion to another first frame (Motion Prompting, section 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from ..geometry import Size, checked_size
from ..progress import Progress, silent
from ..tracks.arguments import finite_number, whole_number
from ..tracks.model import Tracks
from ..tracks.select import select, select_random
from ..tracks.start import first_visible, start_and_displacement
from ..tracks.time import cut
from ..tracks.visibility import hide_outside, inside_canvas
from .align import Alignment

Leaving = Literal["keep", "hide", "drop"]
# What the paper uses (appendix A.7); 1,500 when the target is far from the source.
PAPER_COUNT = 1024


@dataclass(frozen=True)
class TransferSettings:
    """How motion is transferred.

    Attributes:
        anchor_frame: The source frame that is aligned with the target picture. The result begins
            there.
        displacement_scale: Factor on all displacements.
        count: Largest number of tracks, drawn at random by `seed`; None keeps all.
        seed: Seed of the draw.
        leaving: Points that leave the target canvas: "keep" leaves them unchanged, "hide" makes
            them invisible while they are outside, "drop" removes every track that leaves it while
            visible.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.
    """

    anchor_frame: int = 0
    displacement_scale: float = 1.0
    count: int | None = PAPER_COUNT
    seed: int = 0
    leaving: Leaving = "hide"

    def __post_init__(self) -> None:
        whole_number("anchor_frame", self.anchor_frame)
        finite_number("displacement_scale", self.displacement_scale)
        if self.count is not None:
            whole_number("count", self.count, least=1)
        if self.leaving not in ("keep", "hide", "drop"):
            raise ValueError(f"leaving must be keep, hide or drop; got {self.leaving!r}.")


def transfer_motion(
    tracks: Tracks,
    alignment: Alignment,
    size: Size,
    settings: TransferSettings | None = None,
    *,
    progress: Progress = silent,
) -> Tracks:
    """Transfer the motion of source tracks to a target picture (Motion Prompting, section 4.5).

    A point starts at its aligned position and moves by its own displacement since, transformed by
    the Jacobian of the alignment at its start. A point that becomes visible after the anchor frame
    starts in its first visible frame. Points that are invisible from the anchor frame on are left
    out.

    Args:
        tracks: (T, N) tracks of the source video.
        alignment: Map from source pixels to target pixels.
        size: The target canvas in pixels.
        settings: Anchor frame, scale, number of tracks and treatment of leaving points.
        progress: As in Alignment.place.

    Returns:
        Tracks of the frames from the anchor frame on; ids and fps stay.

    Raises:
        ValueError: The anchor frame is beyond the clip, or every track would be dropped.
    """
    size = checked_size(*size)
    settings = settings or TransferSettings()
    clip = _from_anchor(tracks, settings.anchor_frame)
    clip = select(clip, first_visible(clip.visible)[1])
    start, moved = start_and_displacement(clip)
    stretched = torch.einsum("nij,tnj->tni", alignment.slope(start, progress), moved)
    xy = alignment.place(start, progress) + settings.displacement_scale * stretched
    result = replace(clip, xy=xy.to(torch.float32), size=size)
    result = _without_leavers(result, settings.leaving)
    if settings.count is None:
        return result
    return select_random(result, settings.count, seed=settings.seed)


def _from_anchor(tracks: Tracks, anchor: int) -> Tracks:
    if not anchor:
        return tracks
    if anchor >= tracks.num_frames:
        raise ValueError(
            f"anchor_frame {anchor} lies beyond the tracks' {tracks.num_frames} frames, which are "
            "numbered from 0; choose an earlier one."
        )
    return cut(tracks, anchor, tracks.num_frames)


def _without_leavers(tracks: Tracks, leaving: Leaving) -> Tracks:
    if leaving == "hide":
        return hide_outside(tracks)
    if leaving == "keep":
        return tracks
    kept = select(tracks, (inside_canvas(tracks) | ~tracks.visible).all(dim=0))
    if tracks.num_points and not kept.num_points:
        raise ValueError(
            f"all {tracks.num_points} tracks leave the target canvas {tracks.size}, so dropping "
            "those that leave drops everything. Choose another alignment, or hide them instead."
        )
    return kept
