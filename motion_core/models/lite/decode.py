"""From a motion field to a video: frames, holes and the tracks as realised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...fields.arrays import FloatArray
from ...fields.motion_field import MotionField
from ...fields.render import FieldRenderer
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ...tracks.start import fill_gaps
from ..protocols import GenerationRequest

# A point is visible where the field's probability is above this.
VISIBLE = 0.5


def decode_video(
    request: GenerationRequest, field: MotionField, tracks: Tracks, progress: Progress = silent
) -> tuple[Tensor, Tensor, Tracks]:
    """Frames (T, H, W, 3), holes (T, H, W) 0..1 and the tracks as realised.

    Only the last frame is drawn if the request asks for no more. The realised tracks follow the
    pixels under the tracks' first positions, exactly as they are drawn; a track that is never
    visible stays so.

    Args:
        request: The picture and what to draw of it.
        field: Motion of the request's size and length.
        tracks: On the same canvas.
        progress: Called before the first frame and after each.

    Raises what FieldRenderer raises for the picture, and whatever progress raises.
    """
    renderer = FieldRenderer(request.image, field, request.movable)
    progress(0, request.frames)
    first = request.frames - 1 if request.last_only else 0
    height, width = renderer.picture.shape[:2]
    frames = torch.empty(request.frames - first, height, width, 3)
    holes = torch.empty(request.frames - first, height, width)
    realised = _RealisedTracks(tracks, renderer)
    for frame in range(request.frames):
        shift = renderer.displacement_at(frame)
        realised.record(frame, shift)
        if frame >= first:
            colours, hole = renderer.draw(frame, shift)
            frames[frame - first] = torch.from_numpy(colours)
            holes[frame - first] = torch.from_numpy(hole)
        progress(frame + 1, request.frames)
    device = request.image.device
    return frames.to(device), holes.to(device), realised.tracks(field)


class _RealisedTracks:
    """Tracks that follow the pixels under their starts, as they are drawn."""

    def __init__(self, tracks: Tracks, renderer: FieldRenderer) -> None:
        self.requested = tracks
        self.known = tracks.visible.any(dim=0).cpu()
        self.xy = tracks.xy.detach().cpu().clone()
        start = fill_gaps(self.xy[:, self.known], tracks.visible.cpu()[:, self.known])[:1]
        self.start = start[0] if len(start) else self.xy.new_zeros(0, 2)
        height, width = renderer.picture.shape[:2]
        pixel = self.start.floor().long().numpy()
        self.column = np.clip(pixel[:, 0], 0, width - 1)
        self.row = np.clip(pixel[:, 1], 0, height - 1)

    def record(self, frame: int, shift: FloatArray) -> None:
        """Keep the positions in a frame. shift: (H, W, 2) pixels, of every pixel."""
        self.xy[frame, self.known] = self.start + torch.from_numpy(shift[self.row, self.column])

    def tracks(self, field: MotionField) -> Tracks:
        """The recorded tracks, visible where the field is visible and on the canvas."""
        size = self.xy.new_tensor(field.size)
        grid = self.xy.new_tensor(field.grid)
        cell = (self.start / size * grid).floor().clamp(min=0).minimum(grid - 1).long()
        probable = field.visible.cpu()[:, cell[:, 1], cell[:, 0]] > VISIBLE
        at = self.xy[:, self.known]
        visible = torch.zeros(self.xy.shape[:2], dtype=torch.bool)
        visible[:, self.known] = probable & ((at >= 0) & (at < size)).all(dim=-1)
        device = self.requested.device
        return replace(self.requested, xy=self.xy.to(device), visible=visible.to(device))
