"""Our own file: a versioned .npz that keeps everything Tracks holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..errors import FormatError
from ..geometry import Size, checked_size
from ..npy_files import NpzArrays, npz_bytes
from ..tracks.model import Tracks
from .assembly import agreed_fps, agreed_size, check_counts, check_places
from .files import write_bytes

VERSION = 1
VERSION_KEY = "motion_tracks_version"


def read_npz(path: Path, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks from this pack's .npz: xy, visible, ids, size and, if known, fps.

    Args:
        path: The file.
        size: The expected canvas, or None.
        fps: The expected frames per second, or None; used if the file stores none.

    Raises:
        FormatError: The layout is another or a newer one, or `fps` differs.
        CanvasError: `size` differs.
    """
    with NpzArrays(path) as arrays:
        _check_version(arrays)
        shape = arrays.shape("xy")
        if len(shape) == 3:
            check_counts(*shape[:2])
        wanted = {
            "xy": (np.float32, 3),
            "visible": (np.bool_, 2),
            "ids": (np.int64, 1),
            "size": (np.int64, 1),
        }
        loaded = {
            name: _checked(arrays.load(name), name, dtype, ndim)
            for name, (dtype, ndim) in wanted.items()
        }
        stored_fps = _scalar(arrays, "fps", np.float64) if "fps" in arrays.names else None
    if loaded["size"].shape != (2,):
        raise FormatError(f"size: expected (width, height); got {loaded['size'].tolist()[:4]}.")
    stored = checked_size(*loaded["size"].tolist())
    xy, visible = torch.from_numpy(loaded["xy"]), torch.from_numpy(loaded["visible"])
    tracks = Tracks(
        xy,
        visible,
        torch.from_numpy(loaded["ids"]),
        agreed_size(stored, size),
        agreed_fps(stored_fps, fps),
    )
    check_places(xy, visible)
    return tracks


def write_npz(path: Path, tracks: Tracks) -> None:
    """Write our own .npz; read_npz gives the same Tracks back, bit for bit."""
    arrays = {
        VERSION_KEY: np.int64(VERSION),
        "xy": tracks.xy.detach().cpu().numpy(),
        "visible": tracks.visible.cpu().numpy(),
        "ids": tracks.ids.cpu().numpy(),
        "size": np.array(tracks.size, dtype=np.int64),
    }
    if tracks.fps is not None:
        arrays["fps"] = np.float64(tracks.fps)
    write_bytes(path, npz_bytes({name: np.asarray(value) for name, value in arrays.items()}))


def _check_version(arrays: NpzArrays) -> None:
    version = int(_scalar(arrays, VERSION_KEY, np.int64))
    if version > VERSION:
        raise FormatError(
            f"written by a newer release (tracks version {version}; this one reads up to "
            f"{VERSION}). Update the pack."
        )
    if version < 1:
        raise FormatError(f"{VERSION_KEY} must be 1 or more; got {version}.")


def _scalar(arrays: NpzArrays, name: str, dtype: type) -> float:
    return _checked(arrays.load(name), name, dtype, 0).item()


def _checked(array: np.ndarray, name: str, dtype: type, ndim: int) -> np.ndarray:
    if array.dtype != dtype or array.ndim != ndim:
        raise FormatError(
            f"{name}: expected {np.dtype(dtype)} with {ndim} axes; got {array.dtype} of shape "
            f"{array.shape}."
        )
    return array
