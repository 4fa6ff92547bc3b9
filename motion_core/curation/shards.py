"""Shards read for training: samples by number, and a schedule of batches that resumes exactly.

    shards = open_shards(["data/a", "data/b"])
    schedule = ShardSchedule(shards.counts, batch=8, seed=0, rank=rank, world=world)
    loader = DataLoader(ShardBatches(shards, schedule), batch_size=None,
                        sampler=range(first_step, steps), num_workers=4)
    for batch in loader:        # a list of 8 ClipSample
        ...

The samples of a step are a function of the step alone. A run that goes on at step s reads what an
uninterrupted run would have read from step s on, also in the middle of an epoch, whatever the
number of loader workers; there is no state to save but the step.
"""

from __future__ import annotations

import tarfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..errors import FormatError
from ..regular_files import decode_text
from ..safe_json import parse_json, read_json_object
from ..tracks import Tracks
from ..tracks.arguments import whole_number
from ..video import open_video
from .clip_tracks import ClipTracks, decode_tracks
from .pack import MANIFEST, check_manifest
from .sample import ABOUT, SAMPLE_VERSION, TRACKS, VIDEO
from .settings import MOST_CLIP_PIXELS

MOST_MANIFEST_BYTES = 1 << 30
# Shards whose tables of contents are kept in memory.
KEPT_TABLES = 256
MOST_MEMBER_BYTES = 1 << 30
# Offset and length of each member of a sample, by suffix.
Members = dict[str, tuple[int, int]]


@dataclass(frozen=True, eq=False)
class ClipSample:
    """One clip with its tracks.

    Attributes:
        key: Digest of its content; the same in every set of shards.
        video: (T, H, W, 3) uint8 RGB.
        clip_tracks: Tracks (T, N) on the canvas of the video, with confidence, and which of them
            move with the camera.
        caption: "" where there is none.
        about: The sample's JSON: source, licence, fps, figures and others.
    """

    key: str
    video: Tensor
    clip_tracks: ClipTracks
    caption: str
    about: dict[str, Any]

    @property
    def tracks(self) -> Tracks:
        """(T, N)."""
        return self.clip_tracks.tracks


class Shards:
    """The samples of one or more folders of shards, numbered through.

    Attributes:
        paths: Of the shards.
        counts: Samples of each shard.
    """

    def __init__(self, paths: Sequence[Path], counts: Sequence[int], sizes: Sequence[int]) -> None:
        self.paths, self.counts, self.sizes = tuple(paths), tuple(counts), tuple(sizes)
        self._ends = np.cumsum(self.counts)
        self._tables: OrderedDict[int, list[tuple[str, Members]]] = OrderedDict()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> ClipSample:
        """A sample by its number.

        Raises:
            IndexError: There is no such sample.
            FormatError: Its shard is missing, damaged or of another version; the message names it.
        """
        key, members = self.read_members(index)
        about = parse_about(members, key)
        clip = sample_tracks(members, about, key)
        video = decode_clip(_member(members, VIDEO, "video", key), f"sample {key}, {VIDEO}")
        _check_fit(video, clip.tracks, f"sample {key}")
        return ClipSample(key, video, clip, str(about.get("caption", "")), about)

    def read_members(self, index: int) -> tuple[str, dict[str, bytes]]:
        """Key and the members of a sample by suffix, as they are stored. Raises as __getitem__."""
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} samples, numbered from 0; got {index}.")
        shard = int(np.searchsorted(self._ends, index, side="right"))
        place = index - (int(self._ends[shard - 1]) if shard else 0)
        key, members = self._table(shard)[place]
        with self.paths[shard].open("rb") as file:
            found = {}
            for suffix, (offset, length) in members.items():
                file.seek(offset)
                found[suffix] = file.read(length)
        return key, found

    def _table(self, shard: int) -> list[tuple[str, Members]]:
        if shard not in self._tables:
            self._tables[shard] = read_table(self.paths[shard], self.sizes[shard])
            if len(self._tables[shard]) != self.counts[shard]:
                raise FormatError(
                    f"{self.paths[shard]} holds {len(self._tables[shard])} samples, but its "
                    f"manifest says {self.counts[shard]}; copy it again."
                )
            while len(self._tables) > KEPT_TABLES:
                self._tables.popitem(last=False)
        self._tables.move_to_end(shard)
        return self._tables[shard]

    def __getstate__(self) -> dict[str, Any]:
        """For loader workers: without the tables, which each reads for itself."""
        return self.__dict__ | {"_tables": OrderedDict()}


def open_shards(folders: Sequence[str | Path]) -> Shards:
    """The shards of folders that `curate` has written.

    Raises:
        FormatError: A folder has no manifest or one of another version, or a shard is missing or
            has another length than the manifest says.
    """
    paths: list[Path] = []
    counts: list[int] = []
    sizes: list[int] = []
    for folder in map(Path, folders):
        place = folder / MANIFEST
        if not place.is_file():
            raise FormatError(
                f"{folder} holds no {MANIFEST}; name a folder that `curate` has finished."
            )
        manifest = read_json_object(place, MOST_MANIFEST_BYTES)
        check_manifest(manifest, place)
        for shard in manifest["shards"]:
            path = folder / Path(str(shard["name"])).name
            length = path.stat().st_size if path.is_file() else None
            if length != shard["bytes"]:
                state = "is missing" if length is None else f"has {length:,} bytes"
                raise FormatError(
                    f"{path} {state}, but the manifest says {shard['bytes']:,} bytes; copy it "
                    "again."
                )
            paths.append(path)
            counts.append(int(shard["samples"]))
            sizes.append(int(shard["bytes"]))
    return Shards(paths, counts, sizes)


def read_table(path: Path, size: int) -> list[tuple[str, Members]]:
    """Keys and places of the samples of a shard, in the order in which they are stored.

    Raises FormatError for what is not a tar archive.
    """
    table: dict[str, Members] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                key, _, suffix = member.name.partition(".")
                if not member.isreg() or member.size > MOST_MEMBER_BYTES:
                    raise FormatError(f"{path}: {member.name} is not a file that is read.")
                table.setdefault(key, {})[suffix] = (member.offset_data, member.size)
                if member.offset_data + member.size > size:
                    raise FormatError(f"{path} is cut short; copy it again.")
    except (tarfile.TarError, OSError) as error:
        raise FormatError(f"{path} is not a shard that can be read: {error}.") from error
    return list(table.items())


def decode_clip(data: bytes, name: str) -> Tensor:
    """(T, H, W, 3) uint8 RGB of a clip's .mp4.

    Raises FormatError as open_video does, and for more pixels than a clip may have.
    """
    pictures: list[np.ndarray] = []
    with open_video(data, name) as video:
        for picture in video.pictures:
            pictures.append(picture)
            if len(pictures) * picture.shape[0] * picture.shape[1] > MOST_CLIP_PIXELS:
                raise FormatError(f"{name} has more than {MOST_CLIP_PIXELS:,} pixels; not a clip.")
    return torch.from_numpy(np.stack(pictures))


def sample_tracks(members: dict[str, bytes], about: dict[str, Any], key: str) -> ClipTracks:
    """The tracks among the members of a sample. Raises FormatError where they are missing."""
    data = _member(members, TRACKS, "tracks", key)
    return decode_tracks(data, f"sample {key}, {TRACKS}", str(about.get("label", "")))


def _member(members: dict[str, bytes], suffix: str, what: str, key: str) -> bytes:
    if suffix not in members:
        raise FormatError(
            f"sample {key} has no {what} ({key}.{suffix}); it has {sorted(members)}. Curate the "
            "videos again."
        )
    return members[suffix]


def parse_about(members: dict[str, bytes], key: str) -> dict[str, Any]:
    """The description among the members of a sample.

    Raises FormatError where it is missing or of another version.
    """
    data, where = _member(members, ABOUT, "description", key), f"sample {key}"
    try:
        about = parse_json(decode_text(data))
    except FormatError as error:
        raise FormatError(f"{where}, {ABOUT}: {error}") from error
    version = about.get("sample_version") if isinstance(about, dict) else None
    if version != SAMPLE_VERSION:
        raise FormatError(
            f"{where} is of version {version!r:.40}; this release reads version {SAMPLE_VERSION}. "
            "Curate the videos again, or use the release that wrote it."
        )
    return about


def _check_fit(video: Tensor, tracks: Tracks, where: str) -> None:
    frames, height, width = video.shape[:3]
    if (frames, width, height) != (tracks.num_frames, *tracks.size):
        raise FormatError(
            f"{where}: the video has {frames} frames of {width}x{height} but the tracks "
            f"{tracks.num_frames} of {tracks.size}; curate the videos again."
        )


@dataclass(frozen=True)
class ShardSchedule:
    """Which samples each step of each process reads.

    Epochs follow each other without a gap: every sample is read once in each, by one process. A
    batch may hold the last samples of one epoch and the first of the next.

    Attributes:
        counts: Samples of each shard.
        batch: Samples per step and process.
        seed: Of the order.
        rank, world: Number of this process, and how many there are.
        window: Shards that are mixed with each other. Shards come in random order; samples are read
            at random among `window` of them, so that few files are read at a time.
    """

    counts: tuple[int, ...]
    batch: int
    seed: int = 0
    rank: int = 0
    world: int = 1
    window: int = 16

    def __post_init__(self) -> None:
        whole_number("batch", self.batch, least=1)
        whole_number("seed", self.seed)
        whole_number("world", self.world, least=1)
        whole_number("rank", self.rank, most=self.world - 1)
        whole_number("window", self.window, least=1)
        if sum(self.counts) < 1:
            raise ValueError("the shards hold no sample; curate some videos first.")

    def at(self, step: int) -> list[int]:
        """Numbers of the `batch` samples of a step, 0 or more, of this process."""
        total = sum(self.counts)
        first = (whole_number("step", step) * self.world + self.rank) * self.batch
        places = range(first, first + self.batch)
        return [
            int(epoch_order(self.counts, self.seed, place // total, self.window)[place % total])
            for place in places
        ]

    def epoch(self, step: int) -> int:
        """The epoch that a step begins in."""
        return step * self.world * self.batch // sum(self.counts)


@lru_cache(maxsize=4)
def epoch_order(counts: tuple[int, ...], seed: int, epoch: int, window: int) -> np.ndarray:
    """The numbers of all samples in the order of an epoch, int64.

    Args:
        counts: Samples of each shard.
        seed: Of the order.
        epoch: From 0.
        window: See ShardSchedule.
    """
    rng = np.random.default_rng([seed, epoch])
    starts = [0, *np.cumsum(counts).tolist()]
    shards = rng.permutation(len(counts))
    parts = []
    for first in range(0, len(shards), window):
        group = [np.arange(starts[one], starts[one + 1]) for one in shards[first : first + window]]
        parts.append(rng.permutation(np.concatenate(group)))
    return np.concatenate(parts)


class ShardBatches(Dataset):
    """The batches of a schedule by step, for a DataLoader with batch_size=None."""

    def __init__(self, shards: Shards, schedule: ShardSchedule) -> None:
        if schedule.counts != shards.counts:
            raise ValueError("the schedule was made for other shards; pass counts=shards.counts.")
        self.shards, self.schedule = shards, schedule

    def __getitem__(self, step: int) -> list[ClipSample]:
        return [self.shards[index] for index in self.schedule.at(step)]
