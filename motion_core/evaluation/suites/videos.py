"""Videos that a model has made, found by the names of the cases."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import FormatError
from .case import PICTURE_SUFFIXES, SuiteCase

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")
# ComfyUI's Save nodes add a counter: NAME_00001_.mp4.
COUNTER = re.compile(r"_\d{5}_?$")


@dataclass(frozen=True)
class Entry:
    """Videos of one model.

    Attributes:
        name: Of the row.
        folder: That holds them.
        videos: By case; a folder stands for its frames.
        missing: Cases without a video.
    """

    name: str
    folder: Path
    videos: dict[str, Path]
    missing: tuple[str, ...]


def find_videos(name: str, folder: Path, cases: Sequence[SuiteCase]) -> Entry:
    """The video of each case in a folder.

    For a case A/B these are tried: A/B.mp4 (or another suffix, or a picture), A/B/ with one video,
    or with frames; then A_B and B anywhere in the folder, if only one file or folder of frames has
    that name. ComfyUI's counters are ignored; with several, the last is taken.

    Raises FormatError for a folder that does not exist or that holds no case's video.
    """
    if not folder.is_dir():
        raise FormatError(f"there is no folder {folder} of videos for {name}.")
    by_stem = _by_stem(folder)
    videos: dict[str, Path] = {}
    for case in cases:
        found = _exact(folder, case.name) or _anywhere(by_stem, case.name)
        if found is not None:
            videos[case.name] = found
    if not videos:
        raise FormatError(
            f"{folder} holds no video of the {len(cases)} cases; expected names like "
            f"{cases[0].name}.mp4. Found {sorted(by_stem)[:3]}."
        )
    missing = tuple(case.name for case in cases if case.name not in videos)
    return Entry(name, folder, videos, missing)


def _exact(folder: Path, case: str) -> Path | None:
    stem = folder / case
    for suffix in (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES):
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            return path
    if not stem.is_dir():
        return None
    files = sorted(one for one in stem.iterdir() if one.suffix.lower() in VIDEO_SUFFIXES)
    if files:
        return files[-1]
    dragged = stem / "dragged_image.png"
    if dragged.is_file():
        return dragged
    has_frames = any(one.suffix.lower() in PICTURE_SUFFIXES for one in stem.iterdir())
    return stem if has_frames else None


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    """Videos, and folders that hold pictures, by their names without counters."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            found[COUNTER.sub("", path.stem)].append(path)
        elif path.is_dir() and any(
            one.suffix.lower() in PICTURE_SUFFIXES for one in path.iterdir()
        ):
            found[path.name].append(path)
    return found


def _anywhere(by_stem: dict[str, list[Path]], case: str) -> Path | None:
    for name in (case.replace("/", "_"), case.rpartition("/")[2]):
        files = by_stem.get(name, [])
        if len({path.parent for path in files}) == 1:
            return files[-1]
    return None
