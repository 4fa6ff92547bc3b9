"""Video as trackers read it: picture by picture, forwards or backwards, from memory or a file."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..progress import Progress, silent
from ..video import open_video

# Size of the pieces in which a file is decoded when it is read backwards.
BACKWARD_BYTES = 128 << 20


class Clip(Protocol):
    """T pictures of one size; `fps` is None when unknown."""

    @property
    def size(self) -> Size: ...
    @property
    def num_frames(self) -> int: ...
    @property
    def fps(self) -> float | None: ...

    def walk(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Yield the frames first..last, both included; backwards where last < first.

        Args:
            first: Number of the first frame.
            last: Number of the last frame.

        Yields:
            (H, W, 3) uint8 RGB, which may be a view that must not be written to.
        """
        ...


Video: TypeAlias = "Tensor | str | Path | Clip"


@dataclass(frozen=True, eq=False)
class MemoryClip:
    """A clip in memory.

    Attributes:
        frames: (T, H, W, 3), uint8 or floating 0..1.
        fps: Frames per second, or None when unknown.
    """

    frames: Tensor
    fps: float | None = None

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(self.frames.shape[2], self.frames.shape[1])

    @property
    def num_frames(self) -> int:
        """T."""
        return self.frames.shape[0]

    def walk(self, first: int, last: int) -> Iterator[np.ndarray]:
        """See Clip."""
        step = 1 if last >= first else -1
        for index in range(first, last + step, step):
            yield _as_bytes(self.frames[index], index)


@dataclass(frozen=True)
class FileClip:
    """A video file, never held in memory as a whole.

    Forwards it is decoded once. Backwards it is decoded from its beginning for every piece of at
    most BACKWARD_BYTES, which is exact in any container, also without an index.

    Attributes:
        path: The file.
        size: Width and height in pixels.
        num_frames: The counted frames.
        fps: Frames per second, or None when unknown.
    """

    path: Path
    size: Size
    num_frames: int
    fps: float | None

    def walk(self, first: int, last: int) -> Iterator[np.ndarray]:
        """See Clip.

        Raises:
            FormatError: The file has changed and is shorter now.
        """
        if last >= first:
            yield from self._forward(first, last)
            return
        piece = max(1, BACKWARD_BYTES // (3 * self.size.width * self.size.height))
        for top in range(first, last - 1, -piece):
            yield from reversed(list(self._forward(max(last, top - piece + 1), top)))

    def _forward(self, first: int, last: int) -> Iterator[np.ndarray]:
        with open_video(self.path) as video:
            for index, picture in enumerate(video.pictures):
                if index >= first:
                    yield picture
                if index == last:
                    return


def as_clip(video: Video, *, progress: Progress = silent) -> Clip:
    """Make a clip from any kind of video.

    Grey is repeated to three channels and alpha dropped. A file is decoded once to count its
    frames, because its header may be wrong.

    Args:
        video: Frames (T, H, W, C), uint8 or floating 0..1, a video file, or a clip.
        progress: Called once per counted frame of a file.

    Raises:
        ShapeError: The frames are not (T, H, W, C) with 1, 3 or 4 channels.
        TypeError: The frames are neither uint8 nor floating.
        FormatError: The file is missing, damaged or truncated.
    """
    if isinstance(video, Tensor):
        return MemoryClip(_rgb(video))
    if isinstance(video, (str, Path)):
        return _file_clip(Path(video), progress)
    return video


def first_frames(clip: Clip, count: int) -> Clip:
    """The clip's first `count` frames, or all of them when it is shorter.

    Raises:
        ValueError: The count is below 1.
    """
    if operator.index(count) < 1:
        raise ValueError(f"a clip needs 1 frame or more; got {count}.")
    return _Beginning(clip, min(count, clip.num_frames))


@dataclass(frozen=True, eq=False)
class _Beginning:
    whole: Clip
    num_frames: int

    @property
    def size(self) -> Size:
        return self.whole.size

    @property
    def fps(self) -> float | None:
        return self.whole.fps

    def walk(self, first: int, last: int) -> Iterator[np.ndarray]:
        return self.whole.walk(first, last)


def _file_clip(path: Path, progress: Progress) -> FileClip:
    with open_video(path) as video:
        height, width, count = 0, 0, 0
        for count, picture in enumerate(video.pictures, start=1):
            height, width = picture.shape[:2]
            progress(count, max(count, video.stated_frames))
        return FileClip(path, checked_size(width, height), count, video.rate())


def _rgb(frames: Tensor) -> Tensor:
    if frames.ndim != 4 or not frames.numel() or frames.shape[-1] not in (1, 3, 4):
        raise ShapeError(
            f"a video must be (T, H, W, 3) with at least one image; got {tuple(frames.shape)}."
        )
    if frames.dtype != torch.uint8 and not frames.is_floating_point():
        raise TypeError(f"a video must be uint8, or floating 0..1; got {frames.dtype}.")
    if frames.shape[-1] == 1:
        return frames.expand(-1, -1, -1, 3)
    return frames[..., :3]


def _as_bytes(picture: Tensor, index: int) -> np.ndarray:
    if picture.dtype != torch.uint8:
        if not bool(torch.isfinite(picture).all()):
            raise ValueError(f"frame {index} holds NaN or infinite values; expected 0..1.")
        picture = (picture.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(picture.cpu().numpy())
