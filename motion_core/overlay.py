"""Drawings of tracks on the pictures they belong to, and contact sheets of videos."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .errors import CanvasError, ShapeError
from .geometry import Size
from .images import check_video, resize_images
from .progress import Progress, silent
from .tracks.arguments import whole_number
from .tracks.model import Tracks
from .tracks.start import track_starts

# Sub-pixel bits of OpenCV's drawing functions.
SHIFT = 4
# How much of a tail is left when it counts as gone.
TAIL_END = 0.06
TAIL_ALPHA = 0.85
TAIL_OUTLINE = 120
OUTLINE_ALPHA = 0.8
HIDDEN_ALPHA = 0.6
STILL_PX = 0.05
GAP_PX = 4
# Dots are placed in portions of so many pixels, to keep memory small.
MAX_SPLAT = 4_000_000
# Points drawn between two calls of progress.
MOST_MARKS = 10_000
SAMPLED_GAPS = 256

_Profile = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class OverlayStyle:
    """The appearance of drawn tracks.

    Attributes:
        dot_radius: pixels, 0.5..100; None chooses by the canvas and the number of tracks.
        tail_frames: how many frames a tail stays behind a moving point while it fades, 0..1000; 0
            draws none.
        dim: how much darker the picture becomes under the tracks, 0..1.
        show_hidden: whether a point that is no longer visible stays as a faint ring at its last
            visible position. Points that were not visible yet are never drawn.
    """

    dot_radius: float | None = None
    tail_frames: int = 24
    dim: float = 0.0
    show_hidden: bool = False

    def __post_init__(self) -> None:
        if self.dot_radius is not None and not 0.5 <= self.dot_radius <= 100:
            raise ValueError(f"dot_radius must be 0.5..100 pixels; got {self.dot_radius}.")
        if not 0 <= self.tail_frames <= 1000:
            raise ValueError(f"tail_frames must be 0..1000; got {self.tail_frames}.")
        if not 0 <= self.dim <= 1:
            raise ValueError(f"dim must be 0..1; got {self.dim}.")


def draw_tracks(
    frames: Tensor,
    tracks: Tracks,
    style: OverlayStyle | None = None,
    *,
    progress: Progress = silent,
) -> Tensor:
    """The tracks as coloured dots with fading tails over a video or a still picture.

    A track keeps one colour, chosen by where it starts: the direction from the canvas centre is
    the hue, so neighbours share it, and colours grow paler towards the centre.

    Args:
        frames: (T, H, W, 3), or (H, W, 3) or (1, H, W, 3) repeated for all T frames of the tracks;
            uint8 or floating point 0..1.
        tracks: on the canvas of the frames.
        style: appearance of the tracks.
        progress: called per frame, and in between where a frame has many points.

    Returns:
        (T, H, W, 3) of the same dtype and device.

    Raises:
        ShapeError: frames are not RGB, or their number differs from the tracks'.
        CanvasError: their size differs from the tracks' canvas.
        TypeError: another dtype.
    """
    video = _as_video(frames, tracks)
    result = frames.new_empty(tracks.num_frames, *video.shape[1:])
    if not tracks.num_frames:
        return result
    painter = _Painter(tracks, style or OverlayStyle())
    whole = frames.dtype == torch.uint8
    for frame in range(tracks.num_frames):
        below = video[frame if len(video) > 1 else 0].detach().to(torch.float32).cpu().numpy()
        painter.tick = partial(progress, frame, tracks.num_frames)
        picture = torch.from_numpy(painter.paint(below, 255.0 if whole else 1.0, frame))
        result[frame] = picture.round() if whole else picture
        progress(frame + 1, tracks.num_frames)
    return result


def draw_tracks_at(
    image: Tensor,
    tracks: Tracks,
    frame: int,
    style: OverlayStyle | None = None,
    *,
    progress: Progress = silent,
) -> Tensor:
    """One frame of `draw_tracks` over a still picture, without the others.

    Args:
        image: (H, W, 3); uint8 or floating point 0..1.
        tracks: on the canvas of the image.
        frame: which frame, counted from 0.
        style: appearance of the tracks.
        progress: called for every frame whose tails it passes.

    Returns:
        (H, W, 3) of the same dtype and device.

    Raises:
        The errors of `draw_tracks`, and IndexError for a frame that the tracks do not have.
    """
    if not 0 <= frame < tracks.num_frames:
        raise IndexError(f"frame {frame} is not one of the {tracks.num_frames} of the tracks.")
    below = _as_video(image, tracks)[0].detach().to(torch.float32).cpu().numpy()
    whole = image.dtype == torch.uint8
    painter = _Painter(tracks, style or OverlayStyle())
    painter.pass_frames(frame, progress)
    picture = torch.from_numpy(painter.paint(below, 255.0 if whole else 1.0, frame))
    return (picture.round() if whole else picture).to(image)


def contact_sheet(
    video: Tensor, columns: int = 8, *, rows: int = 1, tile_width: int = 320
) -> Tensor:
    """Evenly spaced frames, the first and the last among them, side by side with thin white gaps.

    Args:
        video: (T, H, W, 3), uint8 or floating point 0..1.
        columns: the most frames in a row.
        rows: the most rows.
        tile_width: pixels to which wider frames are reduced.

    Returns:
        (H', W', 3) of the same dtype.

    Raises:
        ShapeError: the video has another shape.
        TypeError, ValueError: a count is not a whole number of at least 1.
    """
    check_video(video)
    for name, value in (("columns", columns), ("rows", rows), ("tile_width", tile_width)):
        whole_number(name, value, least=1)
    count = min(len(video), columns * rows)
    chosen = [round(place) for place in np.linspace(0, len(video) - 1, count)]
    tiles = [_shrunk(video[index], tile_width) for index in chosen]
    across, down = min(columns, count), math.ceil(count / columns)
    height, width = tiles[0].shape[:2]
    white = 255 if video.dtype == torch.uint8 else 1
    sheet = video.new_full(
        (down * (height + GAP_PX) - GAP_PX, across * (width + GAP_PX) - GAP_PX, 3), white
    )
    for place, tile in enumerate(tiles):
        top, left = place // columns * (height + GAP_PX), place % columns * (width + GAP_PX)
        sheet[top : top + height, left : left + width] = tile
    return sheet


class _Painter:
    """Draws frame after frame; keeps the tails between them.

    Tails live in two images that fade a little every frame: one alpha for the dark outline and one
    premultiplied colour with alpha. Apart, a new outline does not cut into the tail behind it.

    Attributes:
        tick: Called between portions of MOST_MARKS marks; it may raise to stop.
    """

    def __init__(self, tracks: Tracks, style: OverlayStyle) -> None:
        self.style, self.size = style, tracks.size
        self.tick: Callable[[], None] = lambda: None
        self.xy = tracks.xy.cpu().numpy()
        self.visible = tracks.visible.cpu().numpy()
        self.colors = _colors(tracks)
        self.radius = style.dot_radius or _dot_radius(tracks)
        self.outline = max(0.7, 0.35 * self.radius)
        self.margin = math.ceil(self.radius + self.outline) + 1
        height, width = tracks.size.height, tracks.size.width
        self.tail_outline = np.zeros((height, width), np.uint8)
        self.tail = np.zeros((height, width, 4), np.uint8)
        # Marks reach over the edge by their size, and so may their centres.
        border = 2 * self.margin
        self.canvas = np.zeros((height + 2 * border, width + 2 * border, 3), np.float32)
        self.picture = self.canvas[border:-border, border:-border]

    def paint(self, below: np.ndarray, scale: float, frame: int) -> np.ndarray:
        """One picture with its tracks, (H, W, 3) float32 from 0 to `scale`, until the next call."""
        np.multiply(below, np.float32(1 - self.style.dim), out=self.picture)
        if self.style.tail_frames and frame:
            self._move_tails(frame)
            self._draw_tails(scale)
        if self.style.show_hidden:
            self._draw_rings(scale, frame)
        self._draw_dots(scale, frame)
        return self.picture

    def pass_frames(self, until: int, progress: Progress) -> None:
        """Lets the tails of the frames before `until` grow without painting them."""
        for frame in range(1, until if self.style.tail_frames else 0):
            self._move_tails(frame)
            progress(frame, until)

    def _move_tails(self, frame: int) -> None:
        """Fades the tails and adds the way from the frame before to this one."""
        import cv2

        # At least one level less each time, or rounding would keep the last traces forever.
        share = TAIL_END ** (1 / self.style.tail_frames)
        table = np.maximum(np.rint(np.arange(256) * share) - 1, 0).astype(np.uint8)
        self.tail_outline, self.tail = cv2.LUT(self.tail_outline, table), cv2.LUT(self.tail, table)
        drawn = np.flatnonzero(self.visible[frame - 1] & self.visible[frame])
        drawn = drawn[self._within(self.xy[frame - 1 : frame + 1, drawn], max(self.size))]
        ends = self.xy[frame - 1 : frame + 1, drawn]
        moved = np.abs(ends[1] - ends[0]).max(axis=-1) > STILL_PX
        # OpenCV's origin is the centre of the top-left pixel.
        lines = np.rint((ends[:, moved] - 0.5) * 2**SHIFT).astype(np.int32).transpose(1, 0, 2)
        width = max(1, round(0.9 * self.radius))
        around = width + max(2, round(0.6 * self.radius))
        for first in range(0, len(lines), MOST_MARKS):
            some = list(lines[first : first + MOST_MARKS])
            cv2.polylines(
                self.tail_outline, some, False, (TAIL_OUTLINE,), around, cv2.LINE_AA, SHIFT
            )
            if first:
                self.tick()
        colors = np.pad(self.colors[drawn[moved]], ((0, 0), (0, 1)), constant_values=255)
        shades = colors * TAIL_ALPHA
        for first in range(0, len(lines), MOST_MARKS):
            some = slice(first, first + MOST_MARKS)
            if first:
                self.tick()
            for (start, stop), color in zip(
                lines[some].tolist(), shades[some].tolist(), strict=True
            ):
                cv2.line(self.tail, start, stop, color, width, cv2.LINE_AA, SHIFT)

    def _draw_tails(self, scale: float) -> None:
        """The tails over their outlines, wherever there are any."""
        import cv2

        rows = np.flatnonzero(self.tail_outline.any(axis=1))
        columns = np.flatnonzero(self.tail_outline.any(axis=0))
        if not rows.size:
            return
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        tail, below = self.tail[box], self.picture[box]
        free = cv2.bitwise_not(cv2.extractChannel(tail, 3))
        clear = cv2.bitwise_not(self.tail_outline[box])
        kept = cv2.merge([cv2.multiply(free, clear, scale=1 / 255**2, dtype=cv2.CV_32F)] * 3)
        colors = cv2.cvtColor(tail, cv2.COLOR_RGBA2RGB)
        below *= kept
        below[:] = cv2.addWeighted(below, 1, colors, scale / 255, 0, dtype=cv2.CV_32F)

    def _within(self, ends: np.ndarray, reach: float) -> np.ndarray:
        """(N,) whether all of some positions (F, N, 2) lie less than `reach` off the canvas."""
        inside: np.ndarray = (ends > -reach) & (ends < np.add(self.size, reach))
        return np.logical_and.reduce(inside, axis=(0, 2))

    def _draw_dots(self, scale: float, frame: int) -> None:
        """Filled discs with a dark outline."""
        visible = np.flatnonzero(self.visible[frame])

        def profile(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            dark = OUTLINE_ALPHA * _coverage(self.radius + self.outline - distance)
            return dark, _coverage(self.radius - distance)

        self._stamp(self.xy[frame, visible], self._shade(visible, scale), profile)

    def _draw_rings(self, scale: float, frame: int) -> None:
        """Faint rings at the last visible positions of points that are hidden now."""
        past = self.visible[: frame + 1]
        lost = np.flatnonzero(past.any(axis=0) & ~past[-1])
        last_visible = frame - past[::-1, lost].argmax(axis=0)

        def profile(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            off_ring = np.abs(distance - self.radius)
            dark = HIDDEN_ALPHA * _coverage(self.outline - off_ring)
            return dark, HIDDEN_ALPHA * _coverage(self.outline / 2 - off_ring)

        self._stamp(self.xy[last_visible, lost], self._shade(lost, scale), profile)

    def _shade(self, points: np.ndarray, scale: float) -> np.ndarray:
        return self.colors[points] * np.float32(scale / 255)

    def _stamp(self, xy: np.ndarray, colors: np.ndarray, profile: _Profile) -> None:
        """Paints one round mark per point (OpenCV's small circles are diamonds).

        xy: (N, 2). colors: (N, 3) in the scale of the picture.
        """
        canvas = self.canvas.reshape(len(self.canvas), -1)
        side = 2 * self.margin + 1
        steps = np.arange(side, dtype=np.float32) - self.margin + 0.5
        near = np.flatnonzero(self._within(xy[None], self.margin))
        portion = max(1, min(MOST_MARKS, MAX_SPLAT // side**2))
        for points in np.split(near, range(portion, len(near), portion)):
            cell = np.floor(xy[points])
            x, y = (cell - xy[points]).T[..., None] + steps
            dark, bright = profile(np.hypot(x[:, None, :], y[:, :, None]))
            kept = np.repeat((1 - dark) * (1 - bright), 3, axis=-1)
            paint = (bright[..., None] * colors[points, None, None]).reshape(kept.shape)
            corner = cell.astype(np.int64) + self.margin
            for (left, top), keep, add in zip(corner.tolist(), kept, paint, strict=True):
                mark = canvas[top : top + side, 3 * left : 3 * (left + side)]
                mark *= keep
                mark += add
            if len(near) > portion:
                self.tick()


def _coverage(depth: np.ndarray) -> np.ndarray:
    """How much of a pixel lies inside an edge that is `depth` pixels beyond its centre."""
    return np.clip(depth + np.float32(0.5), 0, 1)


def _as_video(frames: Tensor, tracks: Tracks) -> Tensor:
    video = frames[None] if frames.ndim == 3 else frames
    check_video(video, "frames")
    if len(video) not in (1, tracks.num_frames):
        raise ShapeError(
            f"there are {len(video)} frames of video but {tracks.num_frames} of tracks. Give one "
            "image, or bring the tracks to the video's length with resample() (Retime Tracks)."
        )
    height, width = video.shape[1:3]
    if (width, height) != tuple(tracks.size):
        raise CanvasError(
            f"frames are {width}x{height} but the tracks' canvas is {tracks.size}. Bring the "
            "tracks to the image with fit() (Transform Tracks) first."
        )
    return video


def _dot_radius(tracks: Tracks) -> float:
    """Larger on larger canvases, smaller where tracks start close together."""
    largest = 0.009 * tracks.size.short_side + 0.75
    _, start, has_start = track_starts(tracks.to("cpu"))
    start = start[has_start]
    if len(start) < 2:
        return largest
    some = start[:: math.ceil(len(start) / SAMPLED_GAPS)]
    # Second smallest: the smallest is a point's distance to itself.
    gap = torch.cdist(some, start).kthvalue(2, dim=1).values.median()
    return max(1.2, min(largest, 0.23 * float(gap)))


def _colors(tracks: Tracks) -> np.ndarray:
    """(N, 3) uint8 RGB, equally bright, by where each track is first visible."""
    import cv2

    if not tracks.num_points:
        return np.zeros((0, 3), np.uint8)
    offset = (track_starts(tracks).xy.cpu().numpy() / np.asarray(tracks.size) - 0.5) * 2
    angle = np.arctan2(offset[:, 1], offset[:, 0])
    chroma = 35 + 45 * np.clip(np.hypot(offset[:, 0], offset[:, 1]), 0, 1)
    lab = np.stack((np.full_like(chroma, 75), chroma * np.cos(angle), chroma * np.sin(angle)), -1)
    rgb = cv2.cvtColor(lab[None].astype(np.float32), cv2.COLOR_Lab2RGB)[0]
    return np.rint(rgb.clip(0, 1) * 255).astype(np.uint8)


def _shrunk(tile: Tensor, width: int) -> Tensor:
    if tile.shape[1] <= width:
        return tile
    height = max(1, round(tile.shape[0] * width / tile.shape[1]))
    return resize_images(tile, Size(width, height), "area")
