"""What nodes say where nothing moves, so that a still video does not come without a word."""

from __future__ import annotations

import torch
from torch import Tensor

from ..motion_core.tracks import Tracks

STILL_PX = 0.01
CAMERA = (
    "Camera layers of a drawing make no tracks: connect the drawing to Camera Path, with the "
    'motion "follow".'
)


def still_note(tracks: Tracks) -> str:
    """A sentence where no visible point of the tracks moves; an empty one where one does."""
    if tracks.num_points == 0 or tracks.num_frames == 0:
        what = "frames" if tracks.num_points else "points"
        return f"Nothing moves: the tracks have no {what}. {CAMERA}"
    visible, infinity = tracks.visible[..., None], float("inf")
    highest = torch.where(visible, tracks.xy, -infinity).amax(dim=0)
    lowest = torch.where(visible, tracks.xy, infinity).amin(dim=0)
    if bool((highest - lowest > STILL_PX).any()):
        return ""
    return f"Nothing moves: every point of the tracks stays where it is. {CAMERA}"


def still_video_note(video: Tensor) -> str:
    """A sentence where all frames of a video (T, H, W, C) are equal; an empty one where not."""
    if len(video) > 1 and not all(torch.equal(frame, video[0]) for frame in video[1:]):
        return ""
    return "Nothing moves: all frames of the reference are equal."


def joined(*notes: str) -> str:
    """The notes that say something, one to a line."""
    return "\n".join(note for note in notes if note)
