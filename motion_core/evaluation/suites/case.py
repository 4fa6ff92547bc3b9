"""One case of a benchmark: a picture, the motion that it is to take, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import FormatError
from ...geometry import Size, same_proportions
from ...image_files import read_image
from ...images import resize_images
from ...regular_files import read_text
from ...tracks.model import Tracks, make_tracks
from ...tracks.time import resample
from ...video import read_video

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MOST_TEXT_BYTES = 16 << 20
# A pixel whose centre is (x, y) in other tools has its centre at (x + 0.5, y + 0.5) here.
HALF = 0.5


@dataclass(frozen=True, eq=False)
class SuiteCase:
    """One case.

    Attributes:
        name: Unique in its suite; videos are found by it.
        size: Canvas on which errors are measured, in pixels.
        tracks: The target on that canvas; None where the suite has none.
        image: The picture that the motion begins with, or that is edited.
        truth: The true video, or the folder of its frames.
        mask: Picture that is white where something may change.
        caption: "" where there is none.
        kind: camera or object where the suite distinguishes them, else "".
    """

    name: str
    size: Size
    tracks: Tracks | None = None
    image: Path | None = None
    truth: Path | None = None
    mask: Path | None = None
    caption: str = ""
    kind: str = ""


def read_frames(path: Path) -> Tensor:
    """(T, H, W, 3) float32 0..1 of a video, of one picture, or of a folder of frames.

    Raises FormatError for what cannot be read and for pictures of several sizes.
    """
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in PICTURE_SUFFIXES)
        if not files:
            raise FormatError(f"{path} holds no frames ({', '.join(PICTURE_SUFFIXES)}).")
        pictures = [read_image(one) for one in files]
        if len({picture.shape for picture in pictures}) > 1:
            raise FormatError(f"the pictures of {path} are not of one size.")
        return torch.stack(pictures)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return read_image(path)[None]
    return read_video(path)[0].float() / 255


def on_canvas(frames: Tensor, size: Size, what: str) -> Tensor:
    """Frames resized to the canvas of a case.

    Raises FormatError for other proportions, which no resizing undoes.
    """
    own = Size(frames.shape[2], frames.shape[1])
    if own == size:
        return frames
    if not same_proportions(own, size):
        raise FormatError(
            f"{what} is {own}, but the case {size}: other proportions. Generate it at the "
            "proportions of the case, or crop it first."
        )
    return resize_images(frames, size).clamp(0, 1)


def matched_tracks(case: SuiteCase, frames: int) -> Tracks:
    """The target of a case over the frames of a video, which covers the same stretch of time."""
    if case.tracks is None:
        raise FormatError(f"case {case.name} has no tracks; this measure needs them.")
    return resample(case.tracks, frames)


def matched_frames(truth: Tensor, frames: int) -> Tensor:
    """The frames of a true video that lie nearest to those of another of the same duration."""
    if len(truth) == frames:
        return truth
    places = torch.linspace(0, len(truth) - 1, frames).round().long()
    return truth[places]


def drag_tracks(drags: list[list[tuple[float, float]]], size: Size, frames: int) -> Tracks:
    """Tracks along drawn key points, by monotone cubics through points that are even in time.

    A single key point is a point that stays.

    Args:
        drags: Key points of each drag, pixels with the centre of the top-left pixel at (0, 0).
        size: Canvas.
        frames: Of the result.
    """
    from scipy.interpolate import PchipInterpolator

    xy = np.zeros((frames, len(drags), 2))
    for number, drag in enumerate(drags):
        points = np.asarray(drag if len(drag) > 1 else [*drag, *drag], np.float64)
        xy[:, number] = PchipInterpolator(np.linspace(0, 1, len(points)), points)(
            np.linspace(0, 1, frames)
        )
    return make_tracks(torch.from_numpy(xy + HALF).float(), size)


def caption_beside(path: Path) -> str:
    """The text of NAME.txt beside NAME.png, or ""."""
    beside = path.with_suffix(".txt")
    if not beside.is_file() or not beside.stat().st_size:
        return ""
    return read_text(beside, MOST_TEXT_BYTES).strip()
