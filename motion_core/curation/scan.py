"""The first pass over a source: its cuts, its clips, and their figures."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import FormatError
from ..geometry import Size
from .cuts import Timeline, timeline_of
from .figures import ClipFigures, content_key, measure_clip
from .frames import clips_of
from .settings import CurationSettings
from .sources import Source

# The stage whose seconds are those of the clock, for the whole job.
WALL = "wall"


@dataclass(frozen=True)
class ClipRecord:
    """A clip that was found, and what was measured of it.

    Attributes:
        key: Of its content; the name of its sample.
        index: Number of the clip in its source, from 0.
        scene: Number of the scene in its source, from 0.
        start_s: Seconds from the source's first frame to the clip's.
        source_size: Width and height of the source.
        figures: What was measured.
    """

    key: str
    index: int
    scene: int
    start_s: float
    source_size: Size
    figures: ClipFigures


@dataclass(frozen=True)
class ScanRecord:
    """All clips of a source.

    Attributes:
        name: Of the source.
        timeline: Its scenes; None where it could not be read.
        clips: In order.
        problem: Why it could not be read, or has no clip; "" otherwise.
        seconds: Processor time by stage, and the clock's for the whole under WALL.
    """

    name: str
    timeline: Timeline | None
    clips: tuple[ClipRecord, ...] = ()
    problem: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def to_values(self) -> dict[str, Any]:
        """The record as values of JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ScanJob:
    """A source to scan."""

    source: Source
    settings: CurationSettings


def scan_source(job: ScanJob) -> ScanRecord:
    """Scan a source. A source that cannot be read gives a record that says why."""
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    record = _scanned(job, seconds)
    seconds[WALL] = time.perf_counter() - started
    return record


def _scanned(job: ScanJob, seconds: dict[str, float]) -> ScanRecord:
    source, settings = job.source, job.settings
    try:
        with Stage(seconds, "cuts"):
            timeline = timeline_of(source, settings.cuts)
    except FormatError as error:
        return ScanRecord(source.name, None, problem=str(error), seconds=seconds)
    try:
        clips = tuple(_scan_clips(source, timeline, settings, seconds))
    except FormatError as error:
        return ScanRecord(source.name, timeline, problem=str(error), seconds=seconds)
    problem = "" if clips else _why_none(timeline, settings)
    return ScanRecord(source.name, timeline, clips, problem, seconds)


def _scan_clips(
    source: Source, timeline: Timeline, settings: CurationSettings, seconds: dict[str, float]
) -> list[ClipRecord]:
    found: list[ClipRecord] = []
    with source.open() as video:
        clips = clips_of(video, timeline.starts, timeline.last_s, settings)
        while True:
            with Stage(seconds, "decode"):
                clip = next(clips, None)
            if clip is None:
                return found
            with Stage(seconds, "figures"):
                key = content_key(clip.pictures, settings.fps)
                figures = measure_clip(clip.pictures, settings.fps)
            found.append(
                ClipRecord(key, len(found), clip.scene, clip.start_s, clip.source_size, figures)
            )


def _why_none(timeline: Timeline, settings: CurationSettings) -> str:
    longest = max(
        end - start
        for start, end in zip(
            timeline.starts, (*timeline.starts[1:], timeline.duration_s), strict=True
        )
    )
    return (
        f"its longest scene lasts {longest:.2f} s, and a clip of {settings.frames} frames at "
        f"{settings.fps:g} fps {settings.frames / settings.fps:.2f} s."
    )


class Stage:
    """Adds the processor time of a block to a stage's seconds."""

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.started = time.process_time()

    def __exit__(self, *_: object) -> None:
        spent = time.process_time() - self.started
        self.seconds[self.name] = self.seconds.get(self.name, 0.0) + spent


def scan_from(values: dict[str, Any]) -> ScanRecord:
    """The record of to_values. Raises KeyError or TypeError for other values."""
    timeline = values["timeline"]
    if timeline is not None:
        timeline = Timeline(**(timeline | {"starts": tuple(timeline["starts"])}))
    clips = tuple(
        ClipRecord(
            **(
                clip
                | {
                    "source_size": Size(*clip["source_size"]),
                    "figures": ClipFigures(**clip["figures"]),
                }
            )
        )
        for clip in values["clips"]
    )
    return ScanRecord(values["name"], timeline, clips, values["problem"], dict(values["seconds"]))
