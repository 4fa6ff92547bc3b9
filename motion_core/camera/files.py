"""Reading and writing of camera files; their content or their name decides the format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..atomic_write import write_text
from ..errors import FormatError
from ..geometry import Size
from ..regular_files import read_text, without_mark
from ..safe_json import parse_json
from .camera_path import CameraPath
from .formats.motionctrl import camera_from_motionctrl, camera_to_motionctrl
from .formats.native_json import camera_from_json, camera_to_json, check_size
from .formats.pose_rows import READ_FORMS
from .formats.realestate import camera_from_realestate, camera_to_realestate
from .formats.recammaster import (
    camera_from_recammaster,
    camera_to_recammaster,
    is_recammaster,
)
from .formats.worldplay import camera_from_worldplay, camera_to_worldplay, is_worldplay

MAX_BYTES = 32 << 20


def read_camera(
    path: str | os.PathLike[str], *, size: Size | None = None, default_size: Size | None = None
) -> CameraPath:
    """A camera path from a file in any of the forms of camera_from_text.

    Args:
        path: The file; its content decides which form it has.
        size: The canvas. A file that stores another one is refused.
        default_size: The canvas of a file that does not store one; others keep their own.

    Raises:
        FormatError: The file is malformed or is in none of the forms.
        ValueError: The file does not store its canvas and no size is given.
    """
    path = Path(path)
    try:
        camera = camera_from_text(read_text(path, MAX_BYTES), size or default_size)
        check_size(camera, size)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    return camera


def camera_from_text(text: str, size: Size | None = None) -> CameraPath:
    """A camera path from text in any of the formats of READ_FORMS.

    Args:
        text: The content of a file.
        size: The canvas of formats that do not store one; our JSON keeps its own.

    Raises:
        FormatError: The text is something else.
        ValueError: A size is needed and not given.
    """
    text = without_mark(text)
    start = text.lstrip()[:1]
    if not start:
        raise FormatError(f"there is no text; {READ_FORMS}.")
    read: Callable[[Size], CameraPath]
    if start == "{":
        data = parse_json(text)
        if is_worldplay(data):
            read = partial(camera_from_worldplay, data)
        elif is_recammaster(data):
            read = partial(camera_from_recammaster, data)
        else:
            return camera_from_json(text)
    else:
        read = partial(camera_from_motionctrl if start == "[" else camera_from_realestate, text)
    if size is None:
        raise ValueError("the lens is relative to its image; give the canvas size.")
    return read(size)


@dataclass(frozen=True)
class CameraFormat:
    """A format that camera paths are written in.

    Attributes:
        suffix: Ending of its files.
        text: The text of a path. Raises FormatError or ValueError for a path it cannot hold.
    """

    suffix: str
    text: Callable[[CameraPath], str]


WRITERS = {
    "json": CameraFormat(".json", camera_to_json),
    "realestate10k": CameraFormat(".txt", camera_to_realestate),
    "motionctrl": CameraFormat(".json", camera_to_motionctrl),
    "worldplay": CameraFormat(".json", camera_to_worldplay),
    "recammaster": CameraFormat(".json", camera_to_recammaster),
}


def write_camera(
    path: str | os.PathLike[str], camera: CameraPath, *, format: str | None = None
) -> None:
    """Write a camera path; the file appears complete or not at all.

    Args:
        path: The file.
        camera: At least one frame.
        format: A name in WRITERS. None takes our JSON for .json, which keeps everything, and
            RealEstate10K for .txt.

    Raises:
        FormatError: The path has no frames.
        ValueError: The format is unknown, the name has another ending, or the format cannot hold
            the path.
    """
    path = Path(path)
    if format is None:
        by_suffix = {".json": "json", ".txt": "realestate10k"}
        if path.suffix.lower() not in by_suffix:
            raise ValueError(f"a camera path is written as .json or .txt; got {path.name!r}.")
        format = by_suffix[path.suffix.lower()]
    if format not in WRITERS:
        raise ValueError(f"camera formats are {', '.join(WRITERS)}; got {format!r}.")
    writer = WRITERS[format]
    if path.suffix.lower() != writer.suffix:
        raise ValueError(f"{format} is written as {writer.suffix}; got {path.name!r}.")
    write_text(path, writer.text(camera))
