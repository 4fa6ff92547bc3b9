"""Where videos come from: folders, lists, patterns, WebDataset archives and Parquet tables."""

from __future__ import annotations

import glob
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import FormatError, MissingExtraError
from ..regular_files import decode_text, read_text
from ..safe_json import parse_json
from ..video import OpenVideo, open_video

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".ogv"}
    | {".flv", ".wmv", ".gif"}
)
PATTERN_MARKS = frozenset("*?[")
MOST_LIST_BYTES, MOST_TEXT_BYTES, MOST_MEMBER_BYTES = 256 << 20, 1 << 20, 1 << 32
# Columns of a Parquet table, the first that is there.
PATH_COLUMNS = ("path", "video", "file", "filename")
CAPTION_COLUMNS = ("caption", "text", "prompt")
LICENCE_COLUMNS = ("licence", "license")


@dataclass(frozen=True)
class Source:
    """One video.

    Attributes:
        name: Unique among the sources, relative to what was given, with forward slashes; the same
            on every machine.
        path: The file, or the archive that holds it.
        span: Offset and length of the video in an archive, in bytes; None for a file of its own.
        caption: "" where there is none.
        licence: "" where none is stated.
    """

    name: str
    path: Path
    span: tuple[int, int] | None = None
    caption: str = ""
    licence: str = ""

    @property
    def num_bytes(self) -> int:
        """Length of the video in bytes; 0 for a file that is missing."""
        if self.span is not None:
            return self.span[1]
        return self.path.stat().st_size if self.path.is_file() else 0

    def open(self) -> AbstractContextManager[OpenVideo]:
        """The video, to be read frame by frame. Raises FormatError as open_video does."""
        if self.span is None:
            return open_video(self.path)
        offset, length = self.span
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                data = file.read(length)
        except OSError as error:
            raise FormatError(f"{self.path}: {error.strerror}.") from error
        return open_video(data, self.name)


def find_sources(places: Iterable[str]) -> list[Source]:
    """All videos of some places, sorted by name.

    Args:
        places: Each a folder (searched with its subfolders), a video, a pattern such as
            "clips/*.mp4", a list (.txt: a path per line, and a caption behind a tab), a WebDataset
            archive (.tar of videos with .txt or .json captions) or a table (.parquet with a column
            path, and caption and licence if there are any). Paths in lists and tables are relative
            to them. A video's caption may also lie beside it as .txt.

    Raises:
        FormatError: A place cannot be read, or holds no video.
        MissingExtraError: A table is given and pyarrow is not installed.
        ValueError: Two videos have one name.
    """
    found: list[Source] = []
    for place in places:
        new = list(_sources_of(place))
        if not new:
            raise FormatError(f"{place} holds no video; known are {_known_suffixes()}.")
        found += new
    found.sort(key=lambda source: source.name)
    for one, other in zip(found, found[1:], strict=False):
        if one.name == other.name:
            raise ValueError(
                f"two videos are called {one.name}: {one.path} and {other.path}. Rename one, or "
                "give the folder that holds both."
            )
    return found


def _known_suffixes() -> str:
    return ", ".join(sorted(VIDEO_SUFFIXES))


def _sources_of(place: str) -> Iterator[Source]:
    if "://" in place:
        raise FormatError(f"{place}: only files are read. Mount the storage, or copy it first.")
    path = Path(place)
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.suffix.lower() in VIDEO_SUFFIXES)
        yield from (_file_source(one, path) for one in files if one.is_file())
    elif PATTERN_MARKS & set(place) and not path.exists():
        base = _fixed_part(path)
        for name in sorted(glob.glob(place, recursive=True)):  # noqa: PTH207
            if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield _file_source(Path(name), base)
    elif not path.is_file():
        raise FormatError(f"there is no folder, file or match of {place}; check its path.")
    elif path.suffix.lower() == ".tar":
        yield from _archive_sources(path)
    elif path.suffix.lower() == ".parquet":
        yield from _table_sources(path)
    elif path.suffix.lower() == ".txt":
        yield from _list_sources(path)
    else:
        yield _file_source(path, path.parent)


def _fixed_part(pattern: Path) -> Path:
    """The folder before the first part of a pattern that has a mark."""
    parts = []
    for part in pattern.parts:
        if PATTERN_MARKS & set(part):
            break
        parts.append(part)
    return Path(*parts)


def _file_source(path: Path, base: Path, caption: str = "", licence: str = "") -> Source:
    beside = path.with_suffix(".txt")
    if not caption and beside.is_file():
        caption = read_text(beside, MOST_TEXT_BYTES).strip() if beside.stat().st_size else ""
    try:
        name = path.relative_to(base).as_posix()
    except ValueError:
        name = PurePosixPath(*path.parts[-2:]).as_posix()
    return Source(name, path, caption=caption, licence=licence)


def _listed_source(entry: str, base: Path, caption: str, licence: str = "") -> Source:
    return _file_source(base / os.path.expanduser(entry), base, caption.strip(), licence.strip())  # noqa: PTH111


def _list_sources(path: Path) -> Iterator[Source]:
    for line in read_text(path, MOST_LIST_BYTES).splitlines():
        entry, _, caption = line.partition("\t")
        if entry.strip() and not entry.startswith("#"):
            yield _listed_source(entry.strip(), path.parent, caption)


def _archive_sources(path: Path) -> Iterator[Source]:
    """Videos of a WebDataset archive with the captions of their keys; nothing is unpacked."""
    videos: dict[str, Source] = {}
    texts: dict[str, dict[str, str]] = {}
    try:
        # Without compression, so that a member can be read at its offset.
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                key, _, suffix = member.name.rpartition(".")
                if not member.isreg() or member.size > MOST_MEMBER_BYTES:
                    continue
                if f".{suffix.lower()}" in VIDEO_SUFFIXES:
                    name = f"{path.stem}/{member.name}"
                    videos[key] = Source(name, path, (member.offset_data, member.size))
                elif suffix in ("txt", "json") and member.size <= MOST_TEXT_BYTES:
                    opened = archive.extractfile(member)
                    assert opened is not None
                    texts.setdefault(key, {}).update(_archive_texts(opened.read(), suffix))
    except (tarfile.TarError, OSError) as error:
        raise FormatError(f"{path} is not an uncompressed .tar archive: {error}.") from error
    for key, source in videos.items():
        about = texts.get(key, {})
        yield replace(source, caption=about.get("caption", ""), licence=about.get("licence", ""))


def _archive_texts(data: bytes, suffix: str) -> dict[str, str]:
    """Caption and licence of a .txt or .json member; {} for what cannot be read."""
    try:
        text = decode_text(data).strip()
        if suffix == "txt":
            return {"caption": text}
        value = parse_json(text)
    except FormatError:
        return {}
    value = value if isinstance(value, dict) else {}
    return _texts_of(value)


def _texts_of(row: dict[str, Any]) -> dict[str, str]:
    found = {}
    for name, columns in (("caption", CAPTION_COLUMNS), ("licence", LICENCE_COLUMNS)):
        texts = [row[one] for one in columns if isinstance(row.get(one), str)]
        if texts:
            found[name] = texts[0].strip()
    return found


def _table_sources(path: Path) -> Iterator[Source]:
    try:
        from pyarrow import ArrowException, parquet  # pyright: ignore[reportMissingImports]
    except ImportError as missing:
        raise MissingExtraError(
            f"{path} needs pyarrow: python -m pip install 'motion-prompting[curation]'. A .txt "
            "list needs nothing."
        ) from missing
    try:
        names = set(parquet.read_schema(path).names)
        wanted = [one for one in PATH_COLUMNS if one in names]
        if not wanted:
            raise FormatError(
                f"{path} needs a column {' or '.join(PATH_COLUMNS)}; it has {sorted(names)[:12]}."
            )
        columns = [wanted[0], *(one for one in CAPTION_COLUMNS + LICENCE_COLUMNS if one in names)]
        rows = parquet.read_table(path, columns=columns).to_pylist()
    except (ArrowException, OSError) as error:
        raise FormatError(f"{path} is not a Parquet table that can be read: {error}.") from error
    for number, row in enumerate(rows):
        entry = row[wanted[0]]
        if not isinstance(entry, str) or not entry.strip():
            raise FormatError(
                f"{path}, row {number}: {wanted[0]} must be the path of a video; got {entry!r:.60}."
            )
        about = _texts_of(row)
        yield _listed_source(
            entry.strip(), path.parent, about.get("caption", ""), about.get("licence", "")
        )
