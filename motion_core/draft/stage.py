"""The draft: a picture, prepared once for its tracks, and drawn frame by frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..fields.arrays import FloatArray
from ..fields.picture import checked_picture
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .completion import DRAFTERS, checked_completion
from .field import Field
from .group import Group, field_at
from .layers import make_paints, touches_edge
from .membership import make_guide, share_map
from .motion import motion_of
from .render import Paint, Window, draw_base, draw_sheet
from .sheets import Sheet, find_sheets

# Points with less than this share say too little about the motion of their sheet.
LEAST_SHARE = 0.3
# Frames are drawn side by side; more workers than this only fight over memory.
MOST_WORKERS = 4


def draft(
    image: Tensor, tracks: Tracks, *, completion: str = "pull_push", progress: Progress = silent
) -> Tensor:
    """The picture moving along its tracks: an instant preview without a model.

    The picture is frame 0. What no track touches rests; points that rest hold it there; points
    that move carry the thing they lie on, cut out along the picture's own edges where it has
    any, stretched where it has none; where it leaves a hole, the surroundings are continued.
    A track that starts later is taken to have rested at its first visible place until then; a
    thing none of whose points is visible in a frame keeps its last place, or moves evenly to the
    next. Without tracks, or without motion, every frame is the picture, bit for bit.

    image: (H, W, 3) float 0..1 of any float dtype. tracks: measured on the same canvas.
    completion: how displacements spread between the points of a thing (see `COMPLETIONS`), or
    the name of a drafter that was registered, as "learned" is by `motion_core.models.lite`.
    Returns (T, H, W, 3) float32 on the image's device; see `draft_frames` for long clips of large
    pictures. Raises TypeError, ShapeError or ValueError for a picture that is none, CanvasError
    when the tracks were measured on another canvas, and whatever `progress` raises.
    """
    if completion in DRAFTERS:
        drawn = list(DRAFTERS[completion](image, tracks, progress))
        return torch.stack(drawn) if drawn else image.new_zeros(0, *image.shape).float()
    stage = Stage(image, tracks, completion, progress)
    video = np.empty((tracks.num_frames, *stage.picture.shape), np.float32)
    with ThreadPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1)) as workers:
        jobs = [workers.submit(stage.draw, one, video[one]) for one in range(len(video))]
        try:
            for done, job in enumerate(jobs, start=1):
                job.result()
                progress(done, len(video))
        finally:
            workers.shutdown(cancel_futures=True)
    return torch.from_numpy(video).to(image.device)


def draft_frames(
    image: Tensor, tracks: Tracks, *, completion: str = "pull_push", progress: Progress = silent
) -> Iterator[Tensor]:
    """The frames of `draft`, one at a time: (H, W, 3) float32 each.

    For clips that do not fit into memory as a whole. Raises what `draft` raises, before the
    first frame.
    """
    if completion in DRAFTERS:
        return DRAFTERS[completion](image, tracks, progress)
    stage = Stage(image, tracks, completion, progress)

    def frames() -> Iterator[Tensor]:
        for frame in range(tracks.num_frames):
            out = np.empty(stage.picture.shape, np.float32)
            stage.draw(frame, out)
            progress(frame + 1, tracks.num_frames)
            yield torch.from_numpy(out).to(image.device)

    return frames()


class Stage:
    """A picture and its motion, ready to be drawn at any frame."""

    def __init__(self, image: Tensor, tracks: Tracks, completion: str, progress: Progress) -> None:
        self.picture = checked_picture(image, tracks.size)
        self.completion = checked_completion(completion)
        self.motion = motion_of(tracks)
        self.sheets = find_sheets(self.motion)
        self.paints: list[Paint] = []
        total = tracks.num_frames
        progress(0, total)
        if self.sheets.moving_base or self.sheets.over:
            shares = self._shares(lambda: progress(0, total))
            soft = [sheet.is_soft for sheet in self.sheets.over]
            shows_edge = self.sheets.moving_base or any(map(touches_edge, shares))
            travel = float(np.abs(self.motion.shift).max()) if shows_edge else 0.0
            self.paints = make_paints(self.picture, shares, soft, travel)

    def _shares(self, tick: Callable[[], None]) -> list[FloatArray]:
        guide = make_guide(self.picture)
        shares = []
        for sheet in self.sheets.over:
            shares.append(share_map(guide, self.motion, self.sheets, sheet))
            tick()
        return shares

    def draw(self, frame: int, out: FloatArray) -> None:
        """Draws one frame into `out` (H, W, 3)."""
        base = self._base_field(frame)
        if base is None:
            out[:] = self.picture
        else:
            draw_base(out, self.paints[0], base)
        drawn: list[Window] = []
        for sheet, paint in zip(self.sheets.over, self.paints, strict=False):
            field = self._sheet_field(sheet, frame, base)
            if field is not None:
                draw_sheet(out, paint, field, base, drawn)

    def _base_field(self, frame: int) -> Field | None:
        if not self.sheets.moving_base:
            return None
        members = self.sheets.base
        whole = np.ones(len(members), np.float32)
        return field_at(self.motion, Group(members, whole), frame, None, self.completion)

    def _sheet_field(self, sheet: Sheet, frame: int, base: Field | None) -> Field | None:
        strong = sheet.share >= LEAST_SHARE
        group = Group(sheet.members[strong], sheet.share[strong])
        field = field_at(self.motion, group, frame, base, self.completion)
        if field is None and base is not None:
            return Field(np.zeros_like(base.values), base.cell)
        return field
