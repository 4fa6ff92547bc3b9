"""The one list of track file formats, and the two functions that use it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import CanvasError, CanvasUnknownError, FormatError, listed
from ..geometry import Size
from ..npy_files import NPY_MAGIC, ZIP_MAGIC, open_zip
from ..progress import Progress, silent
from ..regular_files import decode_text, read_head
from ..tracks.model import Tracks
from . import ati, coordinates, csv, npz, pairs, tapvid, wan_move
from .assembly import check_counts, check_places

log = logging.getLogger(__name__)


PICKLE_MARK, PICKLE_PROTOCOLS = b"\x80", (b"\x02", b"\x03", b"\x04", b"\x05")
_NUMBERS = re.compile(r"[-+]?[\d.]+(?:[ ,;\t]+[-+]?[\d.]+){1,9}")


@dataclass(frozen=True)
class FileHead:
    """What identifies a file before it is read.

    Attributes:
        path: The file.
        data: Its first bytes.
        members: Names of its members, if it is a zip archive.
    """

    path: Path
    data: bytes
    members: tuple[str, ...]

    @property
    def text(self) -> str:
        """The first bytes as text, without byte order mark and leading blanks."""
        return decode_text(self.data, "replace").lstrip("\ufeff \t\r\n")


@dataclass(frozen=True)
class TrackFormat:
    """One file format of tracks.

    Attributes:
        name: Name of the format, as `format` of write_tracks takes it.
        suffixes: File suffixes, the preferred one first.
        description: One sentence for the user.
        needs_size: Whether the reader needs the size of the canvas, because the file does not store
            it.
        sniff: Whether the content of a file looks like this format, whatever its name.
        read: (path, size, fps) -> Tracks.
        write: (path, tracks) -> None.
        reports: Whether both take a keyword `progress`; the others are done in a moment.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    needs_size: bool
    sniff: Callable[[FileHead], bool]
    read: Callable[..., Tracks]
    write: Callable[..., None]
    reports: bool = False


def _has(*names: str) -> Callable[[FileHead], bool]:
    return lambda head: all(f"{name}.npy" in head.members for name in names)


def _is_cotracker(head: FileHead) -> bool:
    return any(_has(*names)(head) for names in tapvid.COTRACKER_NAMES)


def _is_torch(head: FileHead) -> bool:
    return any(name.endswith("/data.pkl") for name in head.members)


def _is_npy(head: FileHead) -> bool:
    return head.data.startswith(NPY_MAGIC)


def _is_csv(head: FileHead) -> bool:
    return csv.has_header(head.text)


def _holds_pairs(head: FileHead) -> bool:
    inside = head.text.lstrip("[ \t\r\n")[:1]
    return head.text.startswith("[") and inside in tuple("-.0123456789")


def _holds_coordinates(head: FileHead) -> bool:
    return head.text.startswith(("[", "{")) and not _holds_pairs(head)


FORMATS: tuple[TrackFormat, ...] = (
    TrackFormat(
        name="motion_npz",
        suffixes=(".npz",),
        description="This pack's file: stores everything.",
        needs_size=False,
        sniff=_has(npz.VERSION_KEY),
        read=npz.read_npz,
        write=npz.write_npz,
    ),
    TrackFormat(
        name="coordinates",
        suffixes=(".json",),
        description='Lists of "x"/"y", one per frame: KJNodes, Wan-Move, LTX.',
        needs_size=True,
        sniff=_holds_coordinates,
        read=coordinates.read_coordinates,
        write=coordinates.write_coordinates,
        reports=True,
    ),
    TrackFormat(
        name="ati_coordinates",
        suffixes=(".json",),
        description='Lists of "x"/"y", 121 over the clip: ATI.',
        needs_size=True,
        sniff=_holds_coordinates,
        read=coordinates.read_coordinates,
        write=coordinates.write_ati_coordinates,
        reports=True,
    ),
    TrackFormat(
        name="pairs",
        suffixes=(".json",),
        description="Lists of [x, y]: Image Conductor, DragNUWA.",
        needs_size=True,
        sniff=_holds_pairs,
        read=pairs.read_pairs,
        write=pairs.write_pairs,
        reports=True,
    ),
    TrackFormat(
        name="wan_move",
        suffixes=(".npy",),
        description="Wan-Move: NAME_tracks.npy and NAME_visibility.npy.",
        needs_size=True,
        sniff=_is_npy,
        read=wan_move.read_wan_move,
        write=wan_move.write_wan_move,
    ),
    TrackFormat(
        name="ati",
        suffixes=(".pth", ".pt"),
        description="ATI: 121 samples over the clip, with visibility.",
        needs_size=True,
        sniff=_is_torch,
        read=ati.read_ati,
        write=ati.write_ati,
    ),
    TrackFormat(
        name="tapvid",
        suffixes=(".npz",),
        description="TAP-Vid: fractions of the canvas and occlusion.",
        needs_size=True,
        sniff=_has("points", "occluded"),
        read=tapvid.read_tapvid,
        write=tapvid.write_tapvid,
    ),
    TrackFormat(
        name="cotracker",
        suffixes=(".npz",),
        description="CoTracker: pixels counted from pixel centres, and visibility.",
        needs_size=True,
        sniff=_is_cotracker,
        read=tapvid.read_cotracker,
        write=tapvid.write_cotracker,
    ),
    TrackFormat(
        name="csv",
        suffixes=(".csv",),
        description="This pack's table: frame,track,x,y,visible.",
        needs_size=True,
        sniff=_is_csv,
        read=csv.read_csv,
        write=csv.write_csv,
    ),
)


def format_names() -> tuple[str, ...]:
    """The names of all formats, in the order they are tried."""
    return tuple(entry.name for entry in FORMATS)


def read_tracks(
    path: str | os.PathLike[str],
    *,
    size: Size | None = None,
    fps: float | None = None,
    progress: Progress = silent,
) -> Tracks:
    """Tracks from a file of any known format, which its content determines, not its name.

    Args:
        path: The file.
        size: (width, height) of the canvas in pixels: needed by formats that do not store it,
            compared with those that do.
        fps: Frames per second, used and compared likewise, but never needed.
        progress: Called while text is read; it may raise to stop.

    Raises:
        FormatError: The file cannot be read; the message names the file, the place and what was
            expected.
        CanvasError: The canvas of the file differs from `size`.
    """
    file = Path(path)
    with _naming(file):
        head = _read_file_head(file)
        chosen = recognise(head)
        tracks = chosen.read(file, size, fps, **_reporting(chosen, progress))
    if tracks.xy.numel() and not bool(tracks.visible.any()):
        log.warning("%s: none of its %d tracks is ever visible.", file.name, tracks.num_points)
    if not tracks.num_frames or not tracks.num_points:
        log.warning(
            "%s holds %d tracks of %d frames.", file.name, tracks.num_points, tracks.num_frames
        )
    return tracks


def write_tracks(
    path: str | os.PathLike[str],
    tracks: Tracks,
    *,
    format: str | None = None,
    progress: Progress = silent,
) -> None:
    """Write tracks completely or not at all.

    Args:
        path: The file.
        tracks: The tracks to write.
        format: Name of the format; None selects it by the suffix of the file.
        progress: Called while text is written; it may raise to stop.

    Raises:
        FormatError: The name or suffix is unknown, the folder is missing, the format cannot hold
            the tracks, or read_tracks would refuse them (too many, or too far away).
    """
    file = Path(path)
    with _naming(file):
        chosen = _chosen(file.suffix.lower(), format)
        # What no reader takes back is not written.
        check_counts(tracks.num_frames, tracks.num_points)
        check_places(tracks.xy, tracks.visible)
        chosen.write(file, tracks, **_reporting(chosen, progress))


def _reporting(chosen: TrackFormat, progress: Progress) -> dict[str, Progress]:
    return {"progress": progress} if chosen.reports else {}


def recognise(head: FileHead) -> TrackFormat:
    """The format whose content this is; the suffix decides only between several.

    Raises FormatError when no format fits.
    """
    fitting = [entry for entry in FORMATS if entry.sniff(head)]
    suffix = head.path.suffix.lower()
    fitting.sort(key=lambda entry: suffix not in entry.suffixes)
    if not fitting:
        raise FormatError(_unknown(head))
    return fitting[0]


def _read_file_head(file: Path) -> FileHead:
    data = read_head(file)
    members: tuple[str, ...] = ()
    if data.startswith(ZIP_MAGIC):
        with open_zip(file) as archive:
            members = tuple(archive.namelist())
    return FileHead(file, data, members)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Put the file's name before whatever error its content raises."""
    name = (file.name or str(file))[:80]
    try:
        yield
    except CanvasError as error:
        raise CanvasError(f"{name}: {error}") from error
    except CanvasUnknownError as error:
        raise CanvasUnknownError(f"{name}: {error}") from error
    except ValueError as error:
        raise FormatError(f"{name}: {str(error).removeprefix(f'{name}: ')}") from error


def _chosen(suffix: str, name: str | None) -> TrackFormat:
    for entry in FORMATS:
        if entry.name == name or (name is None and suffix in entry.suffixes):
            return entry
    if name is not None:
        raise FormatError(f"no track format {name[:40]!r}; there are {listed(format_names())}.")
    suffixes = sorted({suffix for entry in FORMATS for suffix in entry.suffixes})
    raise FormatError(
        f"no track format has the suffix {suffix[:40]!r}; use one of {listed(suffixes)}, or name "
        "the format."
    )


def _unknown(head: FileHead) -> str:
    """Why no format fits, what is read, and how to get there."""
    read = f"read are {listed([entry.name for entry in FORMATS])}; see docs/formats.md"
    if head.members:
        return f"zip archive of no known track format; it holds {listed(head.members)}; {read}."
    if head.data[:1] == PICKLE_MARK and head.data[1:2] in PICKLE_PROTOCOLS:
        return (
            "no known track format: a pickle, which may run code when opened and is never read. "
            "Save each video of TAP-Vid with numpy.savez(path, points=points, occluded=occluded)."
        )
    hint = _hint(head.text)
    if hint:
        return f"no known track format: {hint}; {read}."
    return f"no known track format starts with the bytes {head.data[:12]!r}; {read}."


def _hint(text: str) -> str:
    """What kind of foreign text file this looks like; empty for any other."""
    first = text.split("\n", 1)[0].strip().lower()
    columns = ",".join(csv.COLUMNS)
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if mark in first and {"frame", "track"} <= {w.strip() for w in first.split(mark)}:
            return (
                f"a table separated by {name}; export it with commas and decimal points: {columns}"
            )
    if first.startswith("# size"):
        return f"tracks as 3D programs export them for Maya; convert them to a table {columns}"
    if _NUMBERS.fullmatch(first):
        return (
            f"lines of numbers without a header, as Tora and Blender scripts write them; add one "
            f"and write a line for each frame and track: {columns}"
        )
    if len(first.split(",")) > 2 and not set("[{\0") & set(first):
        found = listed(csv.column_names(first))
        return f"a table with the columns {found}; write one with {columns}"
    return ""
