"""Cuts of a video, found by PySceneDetect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MissingExtraError
from ..geometry import Size
from .frames import Picture, fitted, timed_frames
from .sources import Source

# The detectors compare colours; more pixels cost time and find no other cuts.
SIDE = 160
# Frames between cuts.
LEAST_FRAMES = 8


@dataclass(frozen=True)
class Timeline:
    """When a video's scenes begin.

    Attributes:
        starts: Seconds from the first frame; the first is 0.
        last_s: Seconds for which the last frame is shown: the median step between frames.
        frames: Number of frames.
        duration_s: Seconds.
    """

    starts: tuple[float, ...]
    last_s: float
    frames: int
    duration_s: float


def make_detector(name: str) -> Any:
    """A detector of PySceneDetect: adaptive, which allows for fast motion, or content.

    Raises MissingExtraError where PySceneDetect is missing or is of another release.
    """
    try:
        import scenedetect  # pyright: ignore[reportMissingImports]
        from scenedetect.detectors import (  # pyright: ignore[reportMissingImports]
            AdaptiveDetector,
            ContentDetector,
        )
    except ImportError as missing:
        raise MissingExtraError(
            "finding cuts needs PySceneDetect: python -m pip install "
            "'motion-prompting[curation]', or take videos without cuts as they are with "
            "--cuts none."
        ) from missing
    if not scenedetect.__version__.startswith("0.6."):
        raise MissingExtraError(
            f"finding cuts needs scenedetect 0.6, got {scenedetect.__version__}: python -m pip "
            "install 'motion-prompting[curation]'."
        )
    kind = {"adaptive": AdaptiveDetector, "content": ContentDetector}[name]
    return kind(min_scene_len=LEAST_FRAMES)


def timeline_of(source: Source, cuts: str) -> Timeline:
    """Scenes and length of a video, which is decoded once.

    Args:
        source: The video.
        cuts: adaptive, content or none.

    Raises:
        FormatError: The video cannot be read.
        MissingExtraError: PySceneDetect is missing.
    """
    detector = None if cuts == "none" else make_detector(cuts)
    times: list[float] = []
    found: list[int] = []
    with source.open() as video:
        for index, (time, picture) in enumerate(timed_frames(video)):
            times.append(time)
            if detector is not None:
                # PySceneDetect reads BGR, as OpenCV does.
                found += detector.process_frame(index, _small(picture)[..., ::-1].copy())
        average = video.average_fps
    if detector is not None:
        found += detector.post_process(len(times) - 1)
    steps = np.diff(times)
    positive = steps[steps > 0]
    last = float(np.median(positive)) if len(positive) else 1 / average
    cut_times = sorted({times[index] for index in found if 0 < index < len(times)} - {0.0})
    return Timeline((0.0, *cut_times), last, len(times), times[-1] + last)


def _small(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    factor = SIDE / max(height, width)
    return picture if factor >= 1 else fitted(picture, Size(width, height).scaled(factor))
