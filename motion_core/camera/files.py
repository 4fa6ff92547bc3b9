"""Reading and writing of camera files; their content or their name decides the format."""

from __future__ import annotations

import os
from pathlib import Path

from ..atomic_write import write_text
from ..errors import FormatError
from ..geometry import Size
from ..regular_files import read_text, without_mark
from .camera_path import CameraPath
from .formats.motionctrl import camera_from_motionctrl
from .formats.native_json import camera_from_json, camera_to_json, check_size
from .formats.pose_rows import READ_FORMS
from .formats.realestate import camera_from_realestate, camera_to_realestate

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
    """A camera path from our JSON, MotionCtrl's JSON or RealEstate10K text.

    Args:
        text: The content of a file.
        size: The canvas of the last two, which do not store one; our JSON keeps its own.

    Raises:
        FormatError: The text is something else.
        ValueError: A size is needed and not given.
    """
    text = without_mark(text)
    start = text.lstrip()[:1]
    if start == "{":
        return camera_from_json(text)
    if not start:
        raise FormatError(f"there is no text; {READ_FORMS}.")
    if size is None:
        raise ValueError("the lens is relative to its image; give the canvas size.")
    if start == "[":
        return camera_from_motionctrl(text, size)
    return camera_from_realestate(text, size)


def write_camera(path: str | os.PathLike[str], camera: CameraPath) -> None:
    """Write .json (ours, everything kept) or .txt (RealEstate10K), by the name's ending.

    The file appears complete or not at all.

    Args:
        path: The file.
        camera: At least one frame.

    Raises:
        FormatError: The path has no frames.
        ValueError: The name has another ending.
    """
    path = Path(path)
    writers = {".json": camera_to_json, ".txt": camera_to_realestate}
    if path.suffix.lower() not in writers:
        raise ValueError(f"a camera path is written as .json or .txt; got {path.name!r}.")
    write_text(path, writers[path.suffix.lower()](camera))
