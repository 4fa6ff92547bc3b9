"""ATI's .pth: torch-saved bytes of a compressed .npz, 121 samples that span the clip."""

from __future__ import annotations

import io
import pickletools
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from ..errors import FormatError, first_line, listed
from ..geometry import Size
from ..npy_files import NpzArrays, npz_bytes, open_zip, read_member
from ..tracks.model import Tracks
from ..tracks.time import resample
from .assembly import agreed_size, assemble, check_counts
from .coordinates import ATI_POINTS
from .files import write_bytes

STEPS_PER_PIXEL = 8
# How torch pickles bytes: one call of a harmless codec on one text.
_BYTES_PROGRAM = ["PROTO", "GLOBAL", "BINUNICODE", "BINUNICODE", "TUPLE2", "REDUCE", "STOP"]
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "FRAME")


def read_ati(path: Path, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks of 121 frames from ATI's .pth.

    Its array is (N, 121, 1, 3): x, y and visibility, each times 8. The file is loaded with
    weights_only, and only if its pickle holds nothing but one string of bytes.

    Args:
        path: The file.
        size: The canvas, which the file does not store.
        fps: Frames per second, or None when unknown.

    Raises:
        FormatError: The file holds anything else, or `size` is missing.
    """
    stored = _stored_array(_saved_bytes(path))
    if stored.shape[1:] != (ATI_POINTS, 1, 3):
        raise FormatError(f"expected an array (N, {ATI_POINTS}, 1, 3); got {stored.shape}.")
    values = stored[:, :, 0].transpose(1, 0, 2) / STEPS_PER_PIXEL
    confidence = values[..., 2]
    if not bool(((confidence >= 0) & (confidence <= 1)).all()):
        raise FormatError(
            f"expected visibility between 0 and {STEPS_PER_PIXEL}; got other values. Was the file "
            "written with another factor?"
        )
    canvas = agreed_size(None, size, "an ATI file")
    return assemble(values[..., :2], confidence > 0.5, canvas, fps=fps)


def write_ati(path: Path, tracks: Tracks) -> None:
    """Write ATI's .pth: resampled to 121 frames over the same clip, visibility kept.

    Canvas, ids, fps and the number of frames are not kept.
    Raises ValueError for tracks without frames.
    """
    spread = resample(tracks, ATI_POINTS)
    xy = spread.xy.detach().cpu().numpy()
    visible = spread.visible.cpu().numpy().astype(np.float32)[..., None]
    stored = np.concatenate([xy, visible], axis=-1).transpose(1, 0, 2)[:, :, None]
    packed = npz_bytes({"array": np.ascontiguousarray(stored * np.float32(STEPS_PER_PIXEL))})
    buffer = io.BytesIO()
    torch.save(packed, buffer)
    write_bytes(path, buffer.getvalue())


def _saved_bytes(path: Path) -> bytes:
    with open_zip(path) as archive:
        records = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
        if len(records) != 1:
            raise FormatError("expected one data.pkl in a torch file; save it with torch.save.")
        pickled = read_member(archive, records[0])
    _check_pickle(pickled)
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Torch lets whatever its unpickler stumbles on through, about twenty kinds of error.
        raise FormatError(f"torch cannot load it ({first_line(error)}).") from error
    if not isinstance(value, bytes):
        raise FormatError(f"expected saved bytes; got {type(value).__name__}.")
    return value


def _check_pickle(pickled: bytes) -> None:
    """Walk the pickle without running it: it must build one bytes object and nothing else."""
    try:
        first = islice(pickletools.genops(pickled), 4 * len(_BYTES_PROGRAM))
        steps = [step for step in first if step[0].name not in _MEMO]
    except ValueError as error:
        raise FormatError(f"its pickle is broken ({error}); copy the file again.") from error
    calls = [str(step[1]) for step in steps if step[0].name in ("GLOBAL", "INST")]
    program = [step[0].name for step in steps]
    if program != _BYTES_PROGRAM or calls != ["_codecs encode"] or steps[3][1] != "latin1":
        called = f" (it calls {listed(calls)})" if calls else ""
        raise FormatError(
            f"its pickle does something else than hold bytes{called}: it is not an ATI file and "
            "was not loaded."
        )


def _stored_array(packed: bytes) -> np.ndarray:
    with NpzArrays(packed) as arrays:
        shape = arrays.shape("array")
        if len(shape) == 4:
            check_counts(shape[1], shape[0])
        stored = arrays.load("array")
    if stored.dtype.kind != "f" or stored.ndim != 4:
        raise FormatError(
            f"expected floats (N, {ATI_POINTS}, 1, 3); got {stored.dtype} {stored.shape}."
        )
    return stored.astype(np.float32)
