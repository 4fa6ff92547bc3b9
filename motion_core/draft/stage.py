"""The draft: a picture, prepared once for its tracks, and drawn frame by frame."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..geometry import Size
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .completion import checked_completion, complete, sample_field
from .fill import extend, fill_behind
from .membership import make_guide, share_map
from .motion import BoolArray, FloatArray, IndexArray, motion_of
from .render import Paint, Window, draw_base, draw_sheet
from .sheets import Sheet, find_sheets

# A guessed place in the picture counts less than a known one.
LATE_TRUST = 0.25
# Points with less than this share say too little about the motion of their sheet.
LEAST_SHARE = 0.3
STILL_PX = 1e-3
TAKEN_SHARE = 0.5
# What is taken away takes its soft rim along, this fraction of the short side.
RIM = 0.02
# The picture is continued past its edge by no more than this fraction of its long side.
MARGIN = 0.25
# A share that falls from one to zero within this many pixels falls at a border.
BORDER_WIDTH = 5.0
# OpenCV addresses pixels with 16 bits; the continued picture must stay below.
MOST_SIDE = 16000
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
    completion: how displacements spread between the points of a thing (see `COMPLETIONS`).
    Returns (T, H, W, 3) float32 on the image's device; see `draft_frames` for long clips of large
    pictures. Raises TypeError, ShapeError or ValueError for a picture that is none, CanvasError
    when the tracks were measured on another canvas, and whatever `progress` raises.
    """
    stage = _Stage(image, tracks, completion, progress)
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
    stage = _Stage(image, tracks, completion, progress)

    def frames() -> Iterator[Tensor]:
        for frame in range(tracks.num_frames):
            out = np.empty(stage.picture.shape, np.float32)
            stage.draw(frame, out)
            progress(frame + 1, tracks.num_frames)
            yield torch.from_numpy(out).to(image.device)

    return frames()


class _Stage:
    """A picture and its motion, ready to be drawn at any frame."""

    def __init__(self, image: Tensor, tracks: Tracks, completion: str, progress: Progress) -> None:
        self.picture = _checked_picture(image, tracks.size)
        self.completion = checked_completion(completion)
        self.motion = motion_of(tracks)
        self.sheets = find_sheets(self.motion)
        progress(0, tracks.num_frames)
        self.paints: list[Paint] = []
        if self.sheets.moving_base or self.sheets.over:
            self._prepare(progress, tracks.num_frames)

    def _prepare(self, progress: Progress, total: int) -> None:
        import cv2

        guide = make_guide(self.picture)
        shares = []
        for sheet in self.sheets.over:
            shares.append(share_map(guide, self.motion, self.sheets, sheet))
            progress(0, total)
        behind = fill_behind(self.picture, _taken(shares, self.picture.shape[:2]))
        margin = math.ceil(
            min(2 * np.abs(self.motion.shift).max(), MARGIN * max(self.picture.shape))
        )
        colours = cv2.cvtColor(extend(self.picture, margin), cv2.COLOR_RGB2RGBA)
        for share in shares or [np.zeros(self.picture.shape[:2], np.float32)]:
            wide = np.pad(share, margin, mode="edge")
            self.paints.append(Paint(colours, wide, _border(wide), behind, _extent(share), margin))

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
            if field is None:
                continue
            draw_sheet(out, paint, field, base, drawn)

    def _base_field(self, frame: int) -> FloatArray | None:
        if not self.sheets.moving_base:
            return None
        return self._between(self.sheets.base, np.ones(len(self.sheets.base)), frame, None)

    def _sheet_field(self, sheet: Sheet, frame: int, base: FloatArray | None) -> FloatArray | None:
        strong = sheet.share >= LEAST_SHARE
        field = self._between(sheet.members[strong], sheet.share[strong], frame, base)
        if field is None and base is not None:
            return np.zeros_like(base)
        return field

    def _between(
        self, members: IndexArray, share: FloatArray, frame: int, base: FloatArray | None
    ) -> FloatArray | None:
        """The field of some points at a frame; where none is visible, that of the nearest frame
        before and after that shows one, mixed. None when it is still."""
        shown = np.flatnonzero(self.motion.seen[:, members].any(axis=1))
        after = int(np.searchsorted(shown, frame))
        if after == len(shown):
            return self._field(members, share, int(shown[-1]), base)
        if shown[after] == frame or after == 0:
            return self._field(members, share, int(shown[after]), base)
        early, late = int(shown[after - 1]), int(shown[after])
        one = self._field(members, share, early, base)
        other = self._field(members, share, late, base)
        if one is None and other is None:
            return None
        part = np.float32((frame - early) / (late - early))
        one = np.zeros_like(other) if one is None else one
        other = np.zeros_like(one) if other is None else other
        return one + part * (other - one)

    def _field(
        self, members: IndexArray, share: FloatArray, frame: int, base: FloatArray | None
    ) -> FloatArray | None:
        seen = self.motion.seen[frame, members]
        points, part = members[seen], share[seen].astype(np.float32)
        shift = self.motion.shift[frame, points]
        place = self.motion.source[points] + shift
        # A point that takes a part of the motion tells the whole of it.
        rest = 0 if base is None else sample_field(base, place, self.motion.canvas)
        full = rest + (shift - rest) / part[:, None]
        if np.abs(full).max() <= STILL_PX:
            return None
        trust = part**2 * np.where(self.motion.late[points], np.float32(LATE_TRUST), 1)
        source = place - shift
        return complete(source + full, full, trust, self.motion.canvas, mode=self.completion)


def _taken(shares: list[FloatArray], shape: tuple[int, int]) -> BoolArray:
    import cv2

    taken = np.zeros(shape, np.uint8)
    for share in shares:
        taken |= share > TAKEN_SHARE
    rim = 2 * math.ceil(RIM * min(shape)) + 1
    return cv2.dilate(taken, np.ones((rim, rim), np.uint8)) > 0


def _border(share: FloatArray) -> FloatArray:
    """(h, w) 0..1 around places where the share (h, w) falls within few pixels."""
    import cv2

    slope = cv2.magnitude(
        cv2.Sobel(share, cv2.CV_32F, 1, 0, ksize=1, scale=0.5),
        cv2.Sobel(share, cv2.CV_32F, 0, 1, ksize=1, scale=0.5),
    )
    sharp = np.clip(slope * BORDER_WIDTH - 0.5, 0, 1)
    return cv2.dilate(sharp, np.ones((5, 5), np.uint8))


def _extent(share: FloatArray) -> FloatArray:
    ys = np.flatnonzero(share.any(axis=1))
    xs = np.flatnonzero(share.any(axis=0))
    if not len(xs):
        return np.array([[np.inf, np.inf], [-np.inf, -np.inf]], np.float32)
    return np.array([[xs[0], ys[0]], [xs[-1] + 1, ys[-1] + 1]], np.float32)


def _checked_picture(image: Tensor, canvas: Size) -> FloatArray:
    if not isinstance(image, Tensor):
        raise TypeError(f"image must be a torch tensor; got {type(image).__name__}.")
    if image.ndim == 4:
        raise ShapeError(
            f"image must be one picture (H, W, 3); got a batch {tuple(image.shape)}. Pass image[0]."
        )
    if image.ndim != 3 or image.shape[-1] != 3:
        extra = " Drop the alpha channel: image[..., :3]." if image.shape[-1:] == (4,) else ""
        raise ShapeError(f"image must be (H, W, 3); got {tuple(image.shape)}.{extra}")
    if not image.is_floating_point():
        raise TypeError(
            f"image must be float, 0..1; got {image.dtype}. Divide 8-bit values by 255."
        )
    height, width = image.shape[:2]
    if Size(width, height) != canvas:
        raise CanvasError(
            f"the tracks were measured on {canvas} but the picture is {width}x{height}. Fit the "
            f"tracks to the picture first: fit(tracks, Size({width}, {height}))."
        )
    if max(height, width) > MOST_SIDE:
        raise ValueError(f"image sides must be at most {MOST_SIDE}; got {width}x{height}.")
    picture = image.detach().to("cpu", torch.float32).contiguous().numpy()
    low, high = float(picture.min()), float(picture.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("image holds NaN or infinite values; a picture is finite, 0..1.")
    if low < -0.1 or high > 1.1:
        raise ValueError(
            f"image must lie in 0..1; got {low:.3g}..{high:.3g}. Divide by 255 or clamp it."
        )
    return picture
