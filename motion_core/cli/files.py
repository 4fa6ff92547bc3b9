"""Files that several commands read, and the checks they share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from ..atomic_write import check_target
from ..errors import CanvasError, CanvasUnknownError, FormatError
from ..formats import read_tracks
from ..geometry import Size
from ..image_files import read_image
from ..images import image_size, resize_images
from ..tracks import Tracks, scale_to
from ..tracks.frame_rate import same_rate
from .terminal import PROGRAM, echo

DEFAULT_FPS = 16.0
# Stands for the canvas while a file that stores none is searched for other faults.
ANY_SIZE = Size(1, 1)
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
# What writers put behind a picture's name to name its tracks.
TRACK_ENDINGS = ("_tracks", "_track")


def load_tracks(
    path: Path, size: Size | None, *, picture: Size | None = None, fps: float | None = None
) -> Tracks:
    """Read tracks of any format.

    Args:
        path: The file.
        size: The canvas; a file that stores another one is refused.
        picture: Canvas of a file that does not store one. Without it, the size of an image file of
            the same name beside the track file is taken, which is reported.
        fps: Frames per second of a file that does not store them.

    Raises:
        FormatError: The canvas is unknown; the message asks for --size. Also what read_tracks
            raises.
    """
    try:
        return read_tracks(path, size=size, fps=fps)
    except CanvasUnknownError as error:
        beside = None if picture else _picture_beside(path)
        if picture is None and beside is None:
            # A size would not mend any other fault of the file, so that is reported first.
            read_tracks(path, size=ANY_SIZE, fps=fps)
            raise FormatError(
                f"{path.name} does not store the canvas its pixels are measured on: give it with "
                f"--size WxH, or put its image beside it as {path.stem}.jpg or .png."
            ) from error
    if beside is not None:
        picture = image_size(read_image(beside))
    tracks = read_tracks(path, size=picture, fps=fps)
    known = "taken to be the image's" if beside is None else f"{beside.name} beside it is"
    echo(f"{path.name} does not store its canvas; {known} {picture}.")
    return tracks


def check_same_canvas(tracks: Tracks, canvas: Size, *, tracks_path: Path, picture: Path) -> None:
    """Check that tracks lie on the canvas of an image.

    Args:
        tracks: The tracks.
        canvas: Size of the image in pixels.
        tracks_path: Names the tracks in the message.
        picture: Names the image in the message.

    Raises:
        CanvasError: They do not; the message gives the command that fits them.
    """
    if tracks.size != canvas:
        raise CanvasError(
            f"{tracks_path.name} is measured on {tracks.size} but {picture.name} is {canvas}. "
            f"Fit the tracks first: {PROGRAM} convert {tracks_path.name} fitted.npz --fit {canvas}"
        )


def shrink_to_fit(pictures: Tensor, tracks: Tracks, max_side: int) -> tuple[Tensor, Tracks]:
    """Pictures (..., H, W, 3), uint8 or 0..1, and their tracks, with no side above `max_side`."""
    size = image_size(pictures)
    factor = max_side / max(size)
    if factor >= 1:
        return pictures, tracks
    smaller = size.scaled(factor)
    echo(f"shrunk from {size} to {smaller}; --max-side {max(size)} keeps all pixels.")
    return resize_images(pictures, smaller), scale_to(tracks, smaller)


def frame_rate(requested: float | None, known: float | None) -> float:
    """The requested rate, else the known one, else 16; 16 or a rate other than the known one is
    reported."""
    if requested is not None and known is not None and not same_rate(requested, known):
        echo(f"the input is at {known:.6g} fps; --fps {requested:.6g} is used.")
    if requested is None and known is None:
        echo(f"no frame rate is known; {DEFAULT_FPS:g} fps is used. Choose one with --fps.")
    return requested or known or DEFAULT_FPS


def check_output(path: Path, suffixes: Iterable[str]) -> None:
    """Raises before long work what writing would raise after it: ValueError for a suffix that is
    not among `suffixes`, OSError for a missing folder."""
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{path.name} must end in one of {', '.join(suffixes)}.")
    check_target(path)


def describe_tracks(tracks: Tracks) -> str:
    """Counts and canvas as short text."""
    return f"{tracks.num_points} tracks, {tracks.num_frames} frames, {tracks.size}"


def _picture_beside(path: Path) -> Path | None:
    stems = [path.stem, *(path.stem.removesuffix(ending) for ending in TRACK_ENDINGS)]
    files = (path.with_name(stem + suffix) for stem in stems for suffix in PICTURE_SUFFIXES)
    return next((file for file in files if os.path.isfile(file)), None)  # noqa: PTH113
