"""Frames of a video at another rate and size, by the times at which they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Size
from ..video import OpenVideo
from .settings import CurationSettings

Picture = NDArray[np.uint8]
# Containers round times to 1 ms or coarser ticks: a frame that is due within this is shown.
ROUNDING_S = 2e-3


@dataclass(frozen=True, eq=False)
class RawClip:
    """Consecutive frames of one scene.

    Attributes:
        scene: Number of the scene in its video, from 0.
        start_s: Seconds from the video's first frame to the clip's.
        pictures: (T, H, W, 3) uint8 RGB at the rate and size of the settings.
        source_size: Width and height of the video itself, upright.
    """

    scene: int
    start_s: float
    pictures: Picture
    source_size: Size


def timed_frames(video: OpenVideo) -> Iterator[tuple[float, Picture]]:
    """Seconds since the first frame, and the frame, of an open video.

    Frames that state no time follow at the average rate. Times never run backwards.
    """
    first = last = None
    for index, picture in enumerate(video.pictures):
        states_time = len(video.times) == index + 1
        time = video.times[-1] if states_time else index / video.average_fps
        first = time if first is None else first
        last = max(time, last) if last is not None else time
        yield last - first, picture


def fitted(picture: Picture, size: Size) -> Picture:
    """A picture cropped to the proportions of a size around its centre, and resized to it."""
    import cv2

    height, width = picture.shape[:2]
    factor = max(size.width / width, size.height / height)
    across, down = min(width, round(size.width / factor)), min(height, round(size.height / factor))
    left, top = (width - across) // 2, (height - down) // 2
    crop = picture[top : top + down, left : left + across]
    if crop.shape[:2] == (size.height, size.width):
        return crop.copy()
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, tuple(size), interpolation=method), np.uint8)


def shown_frames(
    frames: Iterator[tuple[float, Picture]], fps: float, starts: Sequence[float], last_s: float
) -> Iterator[tuple[int, int, Picture]]:
    """The frames that are shown at even times, counted anew from the start of every scene.

    Args:
        frames: Seconds and pictures in order.
        fps: Of the result.
        starts: Seconds at which the scenes begin, ascending; the first is 0.
        last_s: Seconds for which the last frame is shown.

    Yields:
        Scene, number of the frame in it, and the picture that is shown start + number / fps seconds
        into the video.
    """
    scene = number = 0
    shown: Picture | None = None
    end = 0.0
    for time, picture in frames:
        if shown is not None:
            while starts[scene] + number / fps < time - ROUNDING_S:
                yield scene, number, shown
                number += 1
        if scene + 1 < len(starts) and time >= starts[scene + 1] - ROUNDING_S:
            scene, number = scene + 1, 0
        shown, end = picture, time + last_s
    while shown is not None and starts[scene] + number / fps < end - ROUNDING_S:
        yield scene, number, shown
        number += 1


def clips_of(
    video: OpenVideo, starts: Sequence[float], last_s: float, settings: CurationSettings
) -> Iterator[RawClip]:
    """The clips of a video, in order, of one scene each; what is left of a scene is dropped.

    Args:
        video: Freshly opened.
        starts: Seconds at which its scenes begin.
        last_s: Seconds for which the last frame is shown.
        settings: Length, stride, rate and size.
    """
    held: list[Picture] = []
    first = current = 0
    size = Size(0, 0)
    for scene, number, picture in shown_frames(timed_frames(video), settings.fps, starts, last_s):
        if scene != current:
            held, first, current = [], 0, scene
        size = Size(picture.shape[1], picture.shape[0])
        if number >= first:
            held.append(fitted(picture, settings.size))
        if len(held) == settings.frames:
            yield RawClip(scene, starts[scene] + first / settings.fps, np.stack(held), size)
            held = held[settings.stride :]
            first += settings.stride
