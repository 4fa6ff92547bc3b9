"""The second pass over a source: the samples of its clips, each a part of a tar archive."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..atomic_write import atomic_write
from ..errors import FormatError
from ..video import write_video
from .clip_tracks import ClipTracks, encode_tracks, track_clip, tracker_of
from .cuts import Timeline
from .figures import content_key
from .frames import RawClip, clips_of
from .scan import WALL, ClipRecord, Stage
from .settings import CurationSettings
from .sources import Source

# Of the JSON of a sample, and of the shards.
SAMPLE_VERSION = 1
VIDEO, TRACKS, ABOUT = "mp4", "tracks.npz", "json"


@dataclass(frozen=True)
class SampleJob:
    """Clips of one source to write into a folder of samples.

    Attributes:
        source: Their video.
        timeline: Of the source.
        clips: Those that are kept.
        settings: Of the curation.
        folder: Receives one file per clip.
        weights: Folder of the tracker's weights, or None.
        device: Where a learned tracker runs; None for a GPU if there is one.
    """

    source: Source
    timeline: Timeline
    clips: tuple[ClipRecord, ...]
    settings: CurationSettings
    folder: Path
    weights: Path | None = None
    device: str | None = None


@dataclass(frozen=True)
class SampleRecord:
    """What was written of a source.

    Attributes:
        name: Of the source.
        keys: Of the clips whose samples are in the folder.
        problem: Why some are not; "" otherwise.
        seconds: Processor time by stage, and the clock's for the whole under WALL.
    """

    name: str
    keys: tuple[str, ...]
    problem: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


def sample_path(folder: Path, key: str) -> Path:
    """The file of a sample; folders by the first digits keep directories small."""
    return folder / key[:2] / f"{key}.part.tar"


def make_samples(job: SampleJob) -> SampleRecord:
    """Write the samples of a source's clips that are not written yet.

    Each file is complete or absent, so that whoever repeats the work after an interruption repeats
    at most the clips that were in progress.
    """
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    wanted = {
        clip.index: clip for clip in job.clips if not sample_path(job.folder, clip.key).is_file()
    }
    problem = ""
    if wanted:
        try:
            for clip, raw in _wanted_clips(job, wanted, seconds):
                _write_sample(job, clip, raw, seconds)
        except FormatError as error:
            problem = str(error)
    seconds[WALL] = time.perf_counter() - started
    keys = tuple(clip.key for clip in job.clips if sample_path(job.folder, clip.key).is_file())
    return SampleRecord(job.source.name, keys, problem, seconds)


def _wanted_clips(
    job: SampleJob, wanted: dict[int, ClipRecord], seconds: dict[str, float]
) -> Iterator[tuple[ClipRecord, RawClip]]:
    last = max(wanted)
    with job.source.open() as video:
        clips = clips_of(video, job.timeline.starts, job.timeline.last_s, job.settings)
        for index in range(last + 1):
            with Stage(seconds, "decode"):
                raw = next(clips, None)
            if raw is None:
                raise FormatError(f"{job.source.name} is shorter than when it was scanned.")
            if index in wanted:
                if content_key(raw.pictures, job.settings.fps) != wanted[index].key:
                    raise FormatError(
                        f"{job.source.name} has changed since it was scanned, or another release "
                        "of PyAV decodes it; curate into a new folder."
                    )
                yield wanted[index], raw


def _write_sample(
    job: SampleJob, clip: ClipRecord, raw: RawClip, seconds: dict[str, float]
) -> None:
    with Stage(seconds, "tracks"):
        tracker = tracker_of(job.settings.tracker, job.weights, job.device)
        tracks = track_clip(raw.pictures, job.settings, tracker)
    with Stage(seconds, "encode"):
        members = {
            VIDEO: _encoded(raw, job.settings),
            TRACKS: encode_tracks(tracks),
            ABOUT: _about(job, clip, tracks),
        }
    with Stage(seconds, "write"):
        target = sample_path(job.folder, clip.key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as temporary:
            temporary.write_bytes(tar_members(clip.key, members))


def _encoded(raw: RawClip, settings: CurationSettings) -> bytes:
    """The clip as .mp4, in the same bytes for the same clip.

    With one thread, because more may give other bytes on other machines, and without x264's
    macroblock tree, which reads memory that was never written: what the process did before
    changed a few bytes.
    """
    encoder = {"crf": str(settings.crf), "preset": "medium", "threads": "1"}
    encoder["x264-params"] = "mbtree=0"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, torch.from_numpy(raw.pictures), settings.fps, encoder=encoder)
        return path.read_bytes()


def _about(job: SampleJob, clip: ClipRecord, tracks: ClipTracks) -> bytes:
    settings = job.settings
    values: dict[str, Any] = {
        "sample_version": SAMPLE_VERSION,
        "key": clip.key,
        "source": job.source.name,
        "start_s": round(clip.start_s, 6),
        "scene": clip.scene,
        "frames": settings.frames,
        "fps": settings.fps,
        "size": list(settings.size),
        "source_size": list(clip.source_size),
        "caption": job.source.caption,
        "licence": job.source.licence or settings.licence,
        "figures": clip.figures.to_values(),
        "tracker": settings.tracker,
        "points": tracks.tracks.num_points,
        "visible_share": round(float(tracks.tracks.visible.float().mean()), 6),
        "label": tracks.label,
    }
    return json.dumps(values, sort_keys=True, ensure_ascii=False).encode()


def tar_members(key: str, members: dict[str, bytes]) -> bytes:
    """Members KEY.suffix of a tar archive, without the archive's end, so that they can be joined.

    Names, sizes and content alone decide the bytes: owner, rights and times are fixed.
    """
    joined = io.BytesIO()
    for suffix, data in members.items():
        info = tarfile.TarInfo(f"{key}.{suffix}")
        info.size, info.mode = len(data), 0o644
        joined.write(info.tobuf(tarfile.USTAR_FORMAT))
        joined.write(data)
        joined.write(bytes(-len(data) % tarfile.BLOCKSIZE))
    return joined.getvalue()
