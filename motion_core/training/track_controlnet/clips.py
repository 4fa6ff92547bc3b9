"""Clips to train on: frames, dense tracks and a caption, from shards or from a plain folder."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from ...curation.pack import MANIFEST
from ...curation.shards import open_shards
from ...errors import FormatError, listed
from ...formats import read_tracks
from ...geometry import Size
from ...regular_files import read_text
from ...tracks.model import Tracks
from ...video import read_video

VIDEOS = (".mp4", ".mov", ".mkv", ".webm")
MOST_CAPTION_BYTES = 1 << 16

logger = logging.getLogger(__name__)


class Clip(Protocol):
    """A clip; curation's ClipSample is one."""

    @property
    def key(self) -> str:
        """Names the clip in messages."""
        ...

    @property
    def video(self) -> Tensor:
        """(T, H, W, 3) uint8 RGB."""
        ...

    @property
    def tracks(self) -> Tracks:
        """(T, N) on the canvas of the video."""
        ...

    @property
    def caption(self) -> str:
        """ "" where there is none."""
        ...


class ClipSource(Protocol):
    """Clips by number; curation's Shards are one.

    counts: how many clips lie together, such as in one shard; they are numbered through.
    """

    @property
    def counts(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: int) -> Clip:
        """The clip of a number. Raises FormatError for one that cannot be read."""
        ...


@dataclass(frozen=True, eq=False)
class FileClip:
    """A clip of plain files; see Clip."""

    key: str
    video: Tensor
    tracks: Tracks
    caption: str


class FolderClips:
    """Clips of folders: NAME.mp4 (or .mov, .mkv, .webm), NAME.npz, and NAME.txt for a caption.

    Args:
        folders: Searched without their subfolders; clips come in the order of their names.

    Raises:
        FormatError: There is no video, or a video has no track file.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        found = [sorted(_videos(folder)) for folder in folders]
        self.videos = [path for paths in found for path in paths]
        without = [path.name for path in self.videos if not path.with_suffix(".npz").is_file()]
        if without:
            raise FormatError(
                f"expected a track file NAME.npz beside every video; {len(without)} have none "
                f"({listed(without, 3)}). Track them: python -m motion_core track NAME.mp4 -o "
                "NAME.npz."
            )
        self.counts = tuple(len(paths) for paths in found)

    def __getitem__(self, index: int) -> FileClip:
        """Raises FormatError where video and tracks do not belong together."""
        path = self.videos[index]
        video, _ = read_video(path)
        frames, height, width, _ = video.shape
        tracks = read_tracks(path.with_suffix(".npz"), size=Size(width, height))
        if tracks.num_frames != frames:
            raise FormatError(
                f"{path} has {frames} frames but its tracks {tracks.num_frames}; track it again."
            )
        note = path.with_suffix(".txt")
        caption = read_text(note, MOST_CAPTION_BYTES).strip() if note.is_file() else ""
        return FileClip(path.name, video, tracks, caption)


def open_clips(folders: Sequence[Path]) -> ClipSource:
    """The clips of folders that `curate` has written, or of plain folders of videos and tracks.

    Raises:
        FormatError: Both kinds are mixed, or what `open_shards` and `FolderClips` raise.
    """
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing or not folders:
        raise FormatError(f"expected folders of clips; not there: {listed(missing)}.")
    curated = [(folder / MANIFEST).is_file() for folder in folders]
    if all(curated):
        return open_shards(folders)
    if any(curated):
        raise FormatError("name either folders of shards or plain folders of clips, not both.")
    return FolderClips(folders)


def digest_of(source: ClipSource, name: str) -> str:
    """A digest by which a resumed run notices that it was given other clips.

    It covers how many clips there are and the content of the first and the last.
    """
    digest = hashlib.sha256(repr(source.counts).encode())
    total = sum(source.counts)
    if total < 1:
        raise FormatError(f"{name} holds no clip.")
    for index in sorted({0, total - 1}):
        clip = source[index]
        digest.update(clip.video.numpy().tobytes())
        digest.update(clip.tracks.xy.numpy().tobytes())
    return digest.hexdigest()[:16]


def _videos(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.suffix.lower() in VIDEOS]
    if not found:
        raise FormatError(
            f"{folder} holds no {MANIFEST} and no video ({', '.join(VIDEOS)}); name a folder that "
            "`curate` has finished, or one of videos and track files."
        )
    return found
