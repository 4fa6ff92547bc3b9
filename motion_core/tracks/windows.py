"""A long clip in windows that overlap, as models of a fixed length make it one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import ShapeError
from ..progress import Progress, silent
from .arguments import MAX_FRAMES, whole_number
from .model import Tracks
from .select import select
from .time import cut
from .visibility import inside_canvas

Kept = Literal["at start", "in overlap", "all"]


@dataclass(frozen=True)
class Window:
    """Frames start <= frame < stop of a clip.

    Attributes:
        start, stop: In frames of the whole clip.
        overlap: How many of its first frames the window before it has made already; 1 for the
            first window, which begins with the start image.
    """

    start: int
    stop: int
    overlap: int

    @property
    def length(self) -> int:
        """Frames in the window."""
        return self.stop - self.start


def plan_windows(frames: int, length: int, overlap: int) -> tuple[Window, ...]:
    """Windows of one length that cover a clip and end with it.

    Each begins `overlap` frames before the one before it ends. The last one begins as early as it
    must to have the same length, so it overlaps more. A clip that is not longer than a window is a
    single, shorter one.

    Args:
        frames: Of the clip, 1..100000.
        length: Of a window, 2 or more.
        overlap: Frames that two windows share, 1..length - 1.

    Raises:
        TypeError, ValueError: A number is out of range.
    """
    frames = whole_number("frames", frames, least=1, most=MAX_FRAMES)
    length = whole_number("length", length, least=2, most=MAX_FRAMES)
    overlap = whole_number("overlap", overlap, least=1, most=length - 1)
    if frames <= length:
        return (Window(0, frames, 1),)
    starts = [*range(0, frames - length, length - overlap), frames - length]
    ends = [0, *(start + length for start in starts)]
    return tuple(
        Window(start, start + length, max(end - start, 1))
        for start, end in zip(starts, ends[:-1], strict=True)
    )


def tracks_in_window(tracks: Tracks, window: Window, keep: Kept = "in overlap") -> Tracks:
    """The tracks of a clip in one of its windows; points keep their ids.

    Models that carry features along tracks take them from frames that exist before the window is
    made: its first frame, or any frame of its overlap. A track that is visible in none of them has
    nothing to carry: it is born later, and the next window has it in its overlap. A track that
    ends within the window stays and is invisible from then on.

    Args:
        tracks: Of the whole clip.
        window: One of plan_windows for its frames.
        keep: "at start": tracks that are visible on the canvas in the first frame. "in overlap":
            in a frame of the overlap. "all": every track.

    Raises:
        ShapeError: The window ends after the tracks.
        ValueError: `keep` is another word.
    """
    if window.stop > tracks.num_frames:
        raise ShapeError(
            f"the window ends with frame {window.stop} but the tracks have {tracks.num_frames}. "
            "Plan the windows for the frames of the tracks."
        )
    part = cut(tracks, window.start, window.stop)
    known = {"at start": 1, "in overlap": window.overlap, "all": 0}.get(keep)
    if known is None:
        raise ValueError(f"keep must be 'at start', 'in overlap' or 'all'; got {keep!r}.")
    if not known:
        return part
    return select(part, (part.visible & inside_canvas(part))[:known].any(dim=0))


def join_frames(
    before: Tensor, after: Tensor, overlap: int, blend: int = 0, *, progress: Progress = silent
) -> Tensor:
    """Two clips as one, the frames they share counted once.

    Args:
        before, after: (T, ...) of one size.
        overlap: The last frames of `before`, which are also the first of `after`.
        blend: At the end of the overlap, frames over which the first clip fades into the second,
            evenly; in the others the first clip stays.
        progress: Called per frame.

    Returns:
        (T1 + T2 - overlap, ...), float32 where frames are blended.

    Raises:
        ShapeError: The clips differ in size.
        TypeError, ValueError: overlap or blend is out of range.
    """
    if before.shape[1:] != after.shape[1:]:
        raise ShapeError(
            f"the clips differ in size: {tuple(before.shape[1:])} and {tuple(after.shape[1:])}. "
            "Make both windows at one size."
        )
    overlap = whole_number("overlap", overlap, most=min(len(before), len(after)))
    blend = whole_number("blend", blend, most=overlap)
    total = len(before) + len(after) - overlap
    joined = before.new_empty(total, *before.shape[1:])
    for number in range(total):
        is_first = number < len(before)
        joined[number] = before[number] if is_first else after[number - len(before) + overlap]
        progress(number + 1, total)
    if blend:
        weight = torch.arange(1, blend + 1, device=before.device) / (blend + 1)
        weight = weight.view(-1, *[1] * (before.ndim - 1)).to(before.dtype)
        last = slice(len(before) - blend, len(before))
        joined[last] = torch.lerp(before[last], after[overlap - blend : overlap].to(before), weight)
    return joined
