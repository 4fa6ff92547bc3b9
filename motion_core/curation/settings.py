"""The settings of a curation: what a clip is, which clips are kept, and how they are tracked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..geometry import Size, checked_size
from ..tracks.arguments import whole_number

CUTS = ("adaptive", "content", "none")
# Clip frames, tracks, megabytes and pixels of a side that may be asked for.
MOST_FRAMES, MOST_POINTS, MOST_SHARD_MB, MOST_SIDE = 1024, 65_536, 65_536, 2048
HASH_BITS = 192
# Of all frames of a clip, which a worker holds at once: 0.8 GB.
MOST_CLIP_PIXELS = 1 << 28


@dataclass(frozen=True)
class Filters:
    """Which clips are dropped. Nothing is dropped by default, as in Motion Prompting.

    Attributes:
        drop_slowest: Fraction 0..1 of the clips with the lowest motion score, which are dropped
            last; Image Conductor drops 0.25.
        min_motion, max_motion: Motion score, in short sides per second.
        max_shake: Unsteadiness of the camera, in short sides per second.
        min_brightness, max_brightness: Mean luma, 0..1.
        duplicate_bits: Clips whose perceptual hashes of 192 bits differ in at most so many bits
            count as one; None keeps them all.
        needs_caption: Whether clips without a caption are dropped.
        only_sources, without_sources: Names of sources to keep and to drop, such as those that a
            person found to be free of watermarks; both may be empty.
    """

    drop_slowest: float = 0.0
    min_motion: float | None = None
    max_motion: float | None = None
    max_shake: float | None = None
    min_brightness: float | None = None
    max_brightness: float | None = None
    duplicate_bits: int | None = None
    needs_caption: bool = False
    only_sources: tuple[str, ...] = ()
    without_sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.drop_slowest < 1:
            raise ValueError(f"drop_slowest must be 0..1, below 1; got {self.drop_slowest}.")
        for name in ("motion", "shake", "brightness"):
            low, high = (getattr(self, f"{end}_{name}", None) for end in ("min", "max"))
            _check_bounds(name, low, high)
        if self.duplicate_bits is not None:
            whole_number("duplicate_bits", self.duplicate_bits, most=HASH_BITS // 4)


@dataclass(frozen=True)
class CurationSettings:
    """A curation. The same settings and sources give the same shards, byte for byte.

    Raises ValueError or TypeError for values out of range.

    Attributes:
        size: Canvas of the clips in pixels; pictures are cropped to its proportions around their
            centre and resized.
        frames: Frames of a clip.
        stride: Frames from the start of a clip to that of the next.
        fps: Frames per second of the clips.
        cuts: Detector of cuts: adaptive or content of PySceneDetect, or none.
        tracker: A name of trackers.registry.
        spacing: Pixels between the points of the square grid that is tracked.
        query_frames: Number of frames, evenly spaced from the first, in each of which a grid
            starts.
        separates: Whether tracks are labelled as the camera's or an object's.
        crf: Quality of H.264, 0..51; lower is better.
        shard_mb: Megabytes (10^6 bytes) above which no further sample goes into a shard.
        seed: Of everything random; written to the manifest.
        licence: Of sources that state none.
        filters: Which clips are dropped.
    """

    size: Size = Size(256, 256)
    frames: int = 80
    stride: int = 80
    fps: float = 16.0
    cuts: str = "adaptive"
    tracker: str = "lucas_kanade"
    spacing: float = 4.0
    query_frames: int = 1
    separates: bool = False
    crf: int = 12
    shard_mb: float = 256.0
    seed: int = 0
    licence: str = ""
    filters: Filters = field(default_factory=Filters)

    def __post_init__(self) -> None:
        size = checked_size(*self.size)
        if max(size) > MOST_SIDE:
            raise ValueError(f"a clip has at most {MOST_SIDE} pixels a side; got {size}.")
        if size.width % 2 or size.height % 2:
            raise ValueError(f"H.264 needs even sides; got {size}.")
        whole_number("frames", self.frames, least=2, most=MOST_FRAMES)
        if self.frames * size.width * size.height > MOST_CLIP_PIXELS:
            raise ValueError(
                f"{self.frames} frames of {size} are more than the {MOST_CLIP_PIXELS:,} pixels "
                "that a clip may have; ask for fewer or smaller frames."
            )
        whole_number("stride", self.stride, least=1, most=1 << 20)
        whole_number("query_frames", self.query_frames, least=1, most=self.frames)
        whole_number("crf", self.crf, most=51)
        whole_number("seed", self.seed)
        if not (math.isfinite(self.fps) and 1 <= self.fps <= 240):
            raise ValueError(f"fps must be 1..240; got {self.fps}.")
        if self.cuts not in CUTS:
            raise ValueError(f"cuts must be one of {', '.join(CUTS)}; got {self.cuts!r}.")
        if not 0 < self.shard_mb <= MOST_SHARD_MB:
            raise ValueError(f"shard_mb must be above 0, to {MOST_SHARD_MB}; got {self.shard_mb}.")
        if not (math.isfinite(self.spacing) and self.spacing >= 1):
            raise ValueError(f"spacing must be 1 pixel or more; got {self.spacing}.")
        across = math.ceil(size.width / self.spacing) * math.ceil(size.height / self.spacing)
        if across * self.query_frames > MOST_POINTS:
            raise ValueError(
                f"a grid of {self.spacing:g} pixels on {size}, started in {self.query_frames} "
                f"frames, has {across * self.query_frames:,} points; at most {MOST_POINTS:,} are "
                "tracked. Raise the spacing."
            )

    def to_values(self) -> dict[str, Any]:
        """The settings as values of JSON."""
        values = asdict(self)
        return values | {"size": list(self.size)}


def _check_bounds(name: str, low: float | None, high: float | None) -> None:
    for bound in (low, high):
        if bound is not None and not (math.isfinite(bound) and bound >= 0):
            raise ValueError(f"a bound of {name} must be 0 or more; got {bound}.")
    if low is not None and high is not None and low > high:
        raise ValueError(f"min_{name} is {low} but max_{name} {high}; swap them.")


def settings_from(values: dict[str, Any]) -> CurationSettings:
    """The settings of to_values.

    Raises ValueError or TypeError for values that are missing, unknown or out of range.
    """
    names = {one.name for one in fields(CurationSettings)}
    if set(values) != names:
        odd = sorted(set(values) ^ names)
        raise ValueError(f"the settings of a curation must have {sorted(names)}; odd: {odd}.")
    filters = dict(values["filters"])
    for name in ("only_sources", "without_sources"):
        filters[name] = tuple(filters.get(name, ()))
    return CurationSettings(
        **(values | {"size": Size(*values["size"]), "filters": Filters(**filters)})
    )
