"""Wan-Move's pair of .npy files: positions (1, T, N, 2) and visibility (1, T, N)."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ..atomic_write import atomic_write
from ..errors import FormatError
from ..file_lock import file_lock
from ..geometry import Size
from ..npy_files import npy_bytes, read_npy, read_npy_shape
from ..tracks.model import Tracks
from .assembly import agreed_size, as_visibility, assemble, check_counts
from .files import check_writable

# Held while a pair is renamed, so that two writers of one pair do not leave a file each.
LOCK_NAME, LOCK_SECONDS = ".wan_move.lock", 30.0

log = logging.getLogger(__name__)


def read_wan_move(path: Path, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks from NAME_tracks.npy and NAME_visibility.npy beside it.

    Args:
        path: The positions, float (1, T, N, 2) or (T, N, 2). A file with a name other than
            *_tracks.npy may have no partner: all its points are visible, with a line in the log.
        size: The canvas, which the files do not store.
        fps: Frames per second, or None when unknown.

    Raises:
        FormatError: The partner is missing, shapes or types are others, or `size` is missing.
    """
    shape = read_npy_shape(path)
    if len(shape) >= 3:
        check_counts(shape[-3], shape[-2])
    positions = read_npy(path)
    if positions.dtype == np.bool_:
        raise FormatError(
            "this holds visibility; read the positions (NAME_tracks.npy), which lie beside it."
        )
    if positions.ndim == 4 and positions.shape[0] == 1:
        positions = positions[0]
    if positions.ndim != 3 or positions.shape[-1] != 2:
        raise FormatError(
            f"expected positions (1, T, N, 2) or (T, N, 2); got shape {positions.shape}."
        )
    visible = _visibility(path, positions.shape[:2])
    return assemble(positions, visible, agreed_size(None, size, "a Wan-Move file"), fps=fps)


def write_wan_move(path: Path, tracks: Tracks) -> None:
    """Write `path` and, beside it, its visibility: NAME_tracks.npy and NAME_visibility.npy.

    float32 (1, T, N, 2) and bool (1, T, N). Canvas, ids and fps are not kept. Of two writers at
    once, both files are those of the one that finishes last.
    """
    positions = tracks.xy.detach().cpu().numpy()[None]
    visible = tracks.visible.cpu().numpy()[None]
    for target in (path, partner(path)):
        check_writable(target)
    # Nested, so that neither file is replaced unless both are complete. The blocks end from the
    # last to the first: both files are renamed, then the lock is released.
    with (
        ExitStack() as until_renamed,
        atomic_write(path) as first,
        atomic_write(partner(path)) as second,
    ):
        first.write_bytes(npy_bytes(positions))
        second.write_bytes(npy_bytes(visible))
        until_renamed.enter_context(file_lock(path.parent / LOCK_NAME, LOCK_SECONDS))


def partner(path: Path) -> Path:
    """Where the visibility of a file of positions lies."""
    return path.with_name(path.stem.removesuffix("_tracks") + "_visibility.npy")


def _visibility(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    beside = partner(path)
    if not beside.exists():
        if path.stem.endswith("_tracks"):
            raise FormatError(
                f"its other half {beside.name} is missing; put it beside this file, or drop "
                '"_tracks" from the name to count every point as visible.'
            )
        log.info("%s has no %s: every point counts as visible.", path.name, beside.name)
        return None
    visible = read_npy(beside)
    if visible.ndim == 3 and visible.shape[0] == 1:
        visible = visible[0]
    if visible.shape != shape:
        raise FormatError(f"{beside.name}: expected shape {(1, *shape)}; got {visible.shape}.")
    return as_visibility(visible, beside.name)
