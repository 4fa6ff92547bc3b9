"""Space-time slices: one line of the picture over time (Motion Prompting, figure A4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..images import check_video
from ..progress import Progress, silent
from ..tracks.arguments import finite_number
from ..tracks.model import Tracks
from ..tracks.start import start_and_displacement

GAP_PX = 6
# Width in pixels of every frame in a panel, or less where the panel would exceed MAX_WIDTH.
MOMENT_PX = 4
MAX_WIDTH = 1024
BACKGROUND = 0.08
# Tracks within this fraction of the short side of the line are drawn, and move its pixels.
NEAR_SHARE = 0.04
# Tracks that move at least as far as this quantile determine the busiest line.
BUSY_QUANTILE = 0.9
CURVE_COLOR = (1.0, 0.78, 0.2)


@dataclass(frozen=True)
class SliceLine:
    """A straight line over the picture, from (x0, y0) to (x1, y1) in pixels.

    Raises:
        TypeError: A coordinate is not a number.
        ValueError: A coordinate is not finite, or the line is shorter than a pixel.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        for name in ("x0", "y0", "x1", "y1"):
            finite_number(name, getattr(self, name))
        if self.length < 1.0:
            raise ValueError(f"a slice's line must be at least a pixel long; got {self}.")

    @property
    def length(self) -> float:
        """In pixels."""
        return math.hypot(self.x1 - self.x0, self.y1 - self.y0)

    def points(self) -> Tensor:
        """(L, 2) float64, the centres of L segments of about one pixel along the line."""
        count = max(1, round(self.length))
        fraction = ((torch.arange(count, dtype=torch.float64) + 0.5) / count)[:, None]
        start = torch.tensor([self.x0, self.y0], dtype=torch.float64)
        return start + fraction * (torch.tensor([self.x1, self.y1], dtype=torch.float64) - start)


def busiest_line(tracks: Tracks) -> SliceLine:
    """The line across the picture, along its rows or columns, that shows most of the motion.

    It passes through the middle of the tracks that move most, and lies along their motion.
    """
    width, height = tracks.size
    start, moved = start_and_displacement(tracks)
    if not moved.numel():
        return SliceLine(0.0, height / 2, width, height / 2)
    reach = moved.norm(dim=-1).amax(dim=0)
    busy = reach >= torch.quantile(reach[:: max(1, len(reach) // 100_000)], BUSY_QUANTILE)
    x, y = start[busy].median(dim=0).values.tolist()
    along_x, along_y = moved[:, busy].square().sum(dim=(0, 1)).tolist()
    if along_y > along_x:
        middle = min(max(x, 0.0), width)
        return SliceLine(middle, 0.0, middle, height)
    middle = min(max(y, 0.0), height)
    return SliceLine(0.0, middle, width, middle)


def slice_picture(
    before: Tracks,
    after: Tracks,
    line: SliceLine,
    video: Tensor | None = None,
    *,
    progress: Progress = silent,
) -> Tensor:
    """Draw a line of the picture over time, before (left) and after (right) magnification.

    The line runs downwards from its start to its end, and time to the right. With a video, the left
    panel shows its pixels, and the right one the first frame's pixels moved by the tracks near the
    line. Without a video, the tracks near the line are drawn as curves.

    Args:
        before: (T, N) tracks of the video.
        after: (T, N) magnified tracks.
        line: The line.
        video: (T, H, W, 3) floats 0..1, or a single picture (1, H, W, 3) for both panels.
        progress: Called once per frame.

    Returns:
        (L, W', 3) float32 0..1.

    Raises:
        ShapeError: The video has another number of frames.
        CanvasError: The tracks or the video have different canvases or frames.
        ValueError: There are no frames.
    """
    if before.size != after.size or before.num_frames != after.num_frames:
        raise CanvasError("a slice compares tracks of one canvas and one number of frames.")
    if not before.num_frames:
        raise ValueError("there are no frames to slice.")
    if video is None:
        panels = [_curves(tracks, before, line) for tracks in (before, after)]
    else:
        _check_video(video, before)
        still = video[0]
        is_still = len(video) == 1
        left = _carried(still, before, line, progress) if is_still else _cut_out(video, line)
        panels = [left, _carried(still, after, line, progress)]
    gap = torch.ones(panels[0].shape[0], GAP_PX, 3)
    return torch.cat([panels[0], gap, panels[1]], dim=1)


def _check_video(video: Tensor, tracks: Tracks) -> None:
    check_video(video)
    if len(video) not in (1, tracks.num_frames):
        raise ShapeError(
            f"the video has {len(video)} frames but the tracks have {tracks.num_frames}; give the "
            "video they were tracked on, or one image."
        )
    if (video.shape[2], video.shape[1]) != tuple(tracks.size):
        raise CanvasError(
            f"the video is {video.shape[2]}x{video.shape[1]} but the tracks are on {tracks.size}."
        )


def _moment_px(frames: int) -> int:
    return max(1, min(MOMENT_PX, MAX_WIDTH // frames))


def _cut_out(video: Tensor, line: SliceLine) -> Tensor:
    """(L, T', 3): a video's own pixels along the line."""
    points = line.points()
    columns = [_sampled(frame, points) for frame in video]
    return torch.stack(columns, dim=1).repeat_interleave(_moment_px(len(video)), dim=1)


def _carried(still: Tensor, tracks: Tracks, line: SliceLine, progress: Progress) -> Tensor:
    """(L, T', 3): a picture's pixels along the line, moved by the tracks around them."""
    points = line.points()
    columns = [_sampled(still, points - shift) for shift in _shifts(points, tracks, progress)]
    return torch.stack(columns, dim=1).repeat_interleave(_moment_px(tracks.num_frames), dim=1)


def _shifts(points: Tensor, tracks: Tracks, progress: Progress) -> Tensor:
    """(T, L, 2): how far the tracks around each point of the line have moved."""
    start, moved = start_and_displacement(tracks)
    if not tracks.num_points:
        return torch.zeros(tracks.num_frames, len(points), 2, dtype=torch.float64)
    sigma = NEAR_SHARE * tracks.size.short_side
    where = start + moved
    shifts = torch.zeros(tracks.num_frames, len(points), 2, dtype=torch.float64)
    for frame in range(tracks.num_frames):
        is_visible = tracks.visible[frame]
        if bool(is_visible.any()):
            # The nearest track counts however far it is, so the weights never vanish together.
            distance = torch.cdist(points, where[frame, is_visible]) / sigma
            weights = torch.softmax(-0.5 * distance.square(), dim=1)
            shifts[frame] = weights @ moved[frame, is_visible]
        progress(frame + 1, tracks.num_frames)
    return shifts


def _sampled(picture: Tensor, points: Tensor) -> Tensor:
    """(L, 3) bilinear samples of a picture (H, W, 3), extended by its edge pixels."""
    height, width = picture.shape[:2]
    unit = points / torch.tensor([width, height], dtype=points.dtype) * 2 - 1
    planes = picture.float().cpu().movedim(-1, 0)[None]
    grid = unit.float()[None, None]
    found = torch.nn.functional.grid_sample(
        planes, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return found[0, :, 0].T


def _curves(tracks: Tracks, reference: Tracks, line: SliceLine) -> Tensor:
    """(L, T', 3): positions along the line, over time, of the tracks that start near it."""
    rows = max(1, round(line.length))
    moment = _moment_px(tracks.num_frames)
    panel = torch.full((rows, tracks.num_frames * moment, 3), BACKGROUND)
    start, _ = start_and_displacement(reference)
    along, aside = _along_and_aside(start, line)
    near = (aside.abs() <= NEAR_SHARE * tracks.size.short_side) & (along >= 0) & (along <= 1)
    frames, points = tracks.num_frames, int(near.sum())
    along, _ = _along_and_aside(tracks.xy[:, near].double().reshape(-1, 2), line)
    row = (along * rows).floor().clamp(-1, rows).long().view(frames, points)
    is_visible = tracks.visible[:, near]
    grid = panel.view(rows, frames, moment, 3)
    _mark(grid, row, is_visible)
    step = torch.where(is_visible[1:] & is_visible[:-1], row.diff(dim=0), 0)
    for part in range(1, int(step.abs().max()) if step.numel() else 0):
        # What lies between two moments belongs to the later one, so that steep curves are unbroken.
        between = row[:-1] + step.sign() * part
        _mark(grid[:, 1:], between, part < step.abs())
    return panel


def _mark(grid: Tensor, row: Tensor, shown: Tensor) -> None:
    """Draw the tracks at rows (T, N) into a grid (rows, T, ., 3), where shown and inside of it."""
    shown = shown & (row >= 0) & (row < len(grid))
    moments = torch.arange(len(row))[:, None].expand_as(row)
    grid[row[shown], moments[shown]] = torch.tensor(CURVE_COLOR)


def _along_and_aside(points: Tensor, line: SliceLine) -> tuple[Tensor, Tensor]:
    """(N,) position along the line as a fraction of its length, and (N,) pixels beside it."""
    direction = torch.tensor([line.x1 - line.x0, line.y1 - line.y0], dtype=torch.float64)
    direction = direction / line.length
    offset = points.cpu() - torch.tensor([line.x0, line.y0], dtype=torch.float64)
    aside = offset[:, 0] * direction[1] - offset[:, 1] * direction[0]
    return offset @ direction / line.length, aside
