"""Pickles of plain numpy arrays, read without running anything that they name.

Weights for evaluation are published as such pickles. An ordinary unpickler calls whatever a file
names. This one knows three names, and stands in for each of them with a class of its own that only
stores what it is given; numbers become arrays here, after their type and size were checked.
"""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FormatError

MOST_BYTES = 1 << 28
KINDS = {"f4": np.dtype("<f4")}
# What an unpickler raises on damaged files.
DAMAGE = (
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    EOFError,
    RecursionError,
    MemoryError,
)


class _Kind:
    """Stands in for numpy.dtype."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]


class _Raw:
    """Stands in for an array, until its state comes."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.kind, self.by_columns, self.bytes = state

    def array(self) -> np.ndarray:
        """The array. Raises ValueError, TypeError or AttributeError when it is none of KINDS."""
        if self.kind.code not in KINDS or self.kind.order not in ("<", "="):
            raise ValueError(f"numbers of type {self.kind.order}{self.kind.code}")
        kind = KINDS[self.kind.code]
        shape = tuple(int(side) for side in self.shape)
        if min(shape, default=1) < 0 or math.prod(shape) * kind.itemsize != len(self.bytes):
            raise ValueError(f"an array of shape {shape} in {len(self.bytes)} bytes")
        flat = np.frombuffer(self.bytes, kind)
        return flat.reshape(shape, order="F" if self.by_columns else "C").copy()


def _raw(*_: Any) -> _Raw:
    return _Raw()


KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): object,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "_reconstruct"): _raw,
    ("numpy._core.multiarray", "_reconstruct"): _raw,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return KNOWN[module, name]


def read_numpy_pickle(path: Path) -> dict[str, np.ndarray]:
    """The float32 arrays of a pickle of nested dicts, by names joined with "/".

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is no pickle, is too large, or holds anything but dicts and arrays.
    """
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path} is larger than {MOST_BYTES} bytes.")
    try:
        with path.open("rb") as file:
            return dict(_arrays(_ArrayUnpickler(file).load(), ""))
    except DAMAGE as error:
        raise FormatError(
            f"{path} must be a pickle of dicts of float32 numpy arrays and nothing else: "
            f"{error or type(error).__name__}."
        ) from error


def _arrays(value: Any, name: str) -> Any:
    if isinstance(value, _Raw):
        yield name, value.array()
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key {key!r}")
            yield from _arrays(part, f"{name}/{key}" if name else key)
    else:
        raise TypeError(f"a value of type {type(value).__name__}")
