"""NumPy's .npy and .npz without pickle: every size is checked before a byte is unpacked."""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .errors import FormatError, first_line, listed
from .regular_files import check_readable

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK\x03\x04"
MAX_ARRAY_BYTES = 512 << 20
# Of all arrays of a file of weights.
MAX_NPZ_BYTES = 4 << 30
MAX_MEMBERS = 1000
_MAX_HEADER_BYTES = 4096
_ENCRYPTED = 0x1
_LONGEST_ZIP_END = 22 + 65535
_LARGEST_DIRECTORY = 1 << 20
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NUMBER = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_FIELDS = {
    "descr": re.compile(r"['\"]descr['\"]:\s*['\"]([^'\"]{1,16})['\"]"),
    "fortran_order": re.compile(r"['\"]fortran_order['\"]:\s*(True|False)"),
    "shape": re.compile(r"['\"]shape['\"]:\s*\(([\d, ]{0,200})\)"),
}
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,  # a zip feature Python does not have
    RuntimeError,  # a member that wants a password
)


@dataclass(frozen=True)
class ArrayHeader:
    """The header of a .npy file: numbers of `dtype` in `shape`, from byte `start`."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran_order: bool
    start: int

    @property
    def num_bytes(self) -> int:
        """Bytes the values take."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: BinaryIO, name: str) -> ArrayHeader:
    """The header of a .npy stream.

    Raises FormatError for anything but a plain array of booleans, integers or floats.
    """
    magic = file.read(8)
    if len(magic) < 8 or magic[:6] != NPY_MAGIC:
        raise FormatError(f"{name}: expected a NumPy array, found other bytes at byte 0.")
    width = {1: 2, 2: 4, 3: 4}.get(magic[6])
    if width is None:
        raise FormatError(f"{name}: NumPy file version {magic[6]} is not known (1 to 3 are).")
    length = int.from_bytes(file.read(width), "little")
    if length > _MAX_HEADER_BYTES:
        raise FormatError(f"{name}: its header claims {length:,} bytes; a plain array needs 128.")
    text = file.read(length)
    if len(text) < length:
        raise FormatError(f"{name}: cut off inside its header; copy the file again.")
    return _parse_header(text.decode("latin-1"), name, start=8 + width + length)


def read_array(file: BinaryIO, name: str, size: int) -> np.ndarray:
    """The array of a .npy stream that is `size` bytes long in all.

    Raises FormatError when the header claims more or fewer bytes than there are, or too many.
    """
    header = read_header(file, name)
    _check_length(header, name, size)
    data = file.read(header.num_bytes)
    if len(data) != header.num_bytes:
        raise FormatError(
            f"{name}: cut off after {len(data):,} of {header.num_bytes:,} bytes; "
            "copy the file again."
        )
    order = "F" if header.fortran_order else "C"
    if header.dtype == np.bool_ and not (np.frombuffer(data, np.uint8) <= 1).all():
        raise FormatError(
            f"{name}: expected booleans of the bytes 0 and 1; got others. Write the file again."
        )
    flat = np.frombuffer(data, dtype=header.dtype)
    return flat.reshape(header.shape, order=order).astype(header.dtype.newbyteorder("="))


def read_npy(path: Path) -> np.ndarray:
    """The array in a .npy file. Raises FormatError."""
    size = check_readable(path)
    with path.open("rb") as file:
        return read_array(file, path.name, size)


def read_npy_shape(path: Path) -> tuple[int, ...]:
    """The shape of the array in a .npy file, from its header alone. Raises FormatError."""
    check_readable(path)
    with path.open("rb") as file:
        return _claimed_shape(file, path.name)


class NpzArrays:
    """The arrays of a .npz, looked at before they are loaded.

    source: a path, or the bytes of the archive.
    Raises FormatError for a broken, encrypted or bomb-like archive.
    """

    def __init__(self, source: Path | bytes) -> None:
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        self._zip = open_zip(stream)
        self._members = {
            info.filename.removesuffix(".npy"): info
            for info in self._zip.infolist()
            if info.filename.endswith(".npy")
        }

    def __enter__(self) -> NpzArrays:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays' names, without .npy."""
        return tuple(self._members)

    def shape(self, name: str) -> tuple[int, ...]:
        """An array's shape, from its header alone. Raises FormatError."""
        try:
            with self._zip.open(self._member(name)) as file:
                return _claimed_shape(file, name)  # type: ignore[arg-type]
        except _BROKEN_ZIP as error:
            raise _readable(error, name) from error

    def check(self, name: str) -> int:
        """The bytes of an array whose header fits its member. Raises FormatError."""
        member = self._member(name)
        try:
            with self._zip.open(member) as file:
                header = read_header(file, name)  # type: ignore[arg-type]
        except _BROKEN_ZIP as error:
            raise _readable(error, name) from error
        _check_length(header, name, member.file_size)
        return header.num_bytes

    def load(self, name: str) -> np.ndarray:
        """One array. Raises FormatError when it is missing, broken or too large."""
        member = self._member(name)
        try:
            with self._zip.open(member) as file:
                return read_array(file, name, member.file_size)  # type: ignore[arg-type]
        except _BROKEN_ZIP as error:
            raise _readable(error, name) from error

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise FormatError(f"expected an array {name!r}; the file has {listed(self.names)}.")
        return self._members[name]


def check_npz(path: Path, most_bytes: int = MAX_NPZ_BYTES) -> None:
    """Check the headers of all arrays of a .npz before another library loads it.

    Raises FormatError for a missing or broken file, for arrays of anything but numbers, for sizes
    that are not those of their members, and for more than `most_bytes` in all.
    """
    check_readable(path, most_bytes)
    total = 0
    with NpzArrays(path) as arrays:
        for name in arrays.names:
            total += arrays.check(name)
    if total > most_bytes:
        raise FormatError(f"its arrays take {total:,} bytes; at most {most_bytes:,} are read.")


def open_zip(source: Path | io.BytesIO) -> zipfile.ZipFile:
    """A zip archive with few, differently named, plainly compressed members.

    Raises FormatError for anything else.
    """
    _check_directory(source)
    try:
        archive = zipfile.ZipFile(source)
    except _BROKEN_ZIP as error:
        raise FormatError(
            f"broken or cut-off zip archive ({first_line(error)}); copy or write the file again."
        ) from error
    members = archive.infolist()
    problem = None
    if len(members) > MAX_MEMBERS:
        problem = f"with {len(members):,} members; at most {MAX_MEMBERS:,} are read."
    elif len({info.filename for info in members}) != len(members):
        problem = "with two members of one name; write the file again."
    elif any(info.flag_bits & _ENCRYPTED for info in members):
        problem = "locked with a password; write the file without one."
    elif any(info.compress_type not in _COMPRESSIONS for info in members):
        problem = "packed in an unusual way; expected stored or deflated members."
    if problem is not None:
        archive.close()
        raise FormatError(f"zip archive {problem}")
    return archive


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """All bytes of a zip member. Raises FormatError when it is broken or too large."""
    if member.file_size > MAX_ARRAY_BYTES:
        raise FormatError(f"{member.filename}: claims {member.file_size:,} bytes, too many.")
    try:
        return archive.read(member)
    except _BROKEN_ZIP as error:
        raise _readable(error, member.filename) from error


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """A compressed .npz holding these arrays, the same bytes for the same arrays.

    Raises FormatError for an array that is larger than are read, TypeError for Python objects.
    """
    for name, array in arrays.items():
        _check_written(array, name)
    buffer = io.BytesIO()
    # No allow_pickle=False: an older NumPy takes it for an array of that name.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    """A .npy file holding this array.

    Raises FormatError where it is larger than are read, TypeError for Python objects.
    """
    _check_written(array, "the array")
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _check_written(array: np.ndarray, name: str) -> None:
    if array.dtype.hasobject:
        raise TypeError(f"{name} must hold booleans, integers or floats; got {array.dtype}.")
    if array.nbytes > MAX_ARRAY_BYTES:
        raise FormatError(
            f"{name} has {array.nbytes:,} bytes; at most {MAX_ARRAY_BYTES:,} are read back. Keep "
            "fewer tracks or frames."
        )


def _check_directory(source: Path | io.BytesIO) -> None:
    """Refuse a table of contents that would take zipfile minutes to read."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            file.seek(max(source.stat().st_size - _LONGEST_ZIP_END, 0))
            tail = file.read()
    else:
        tail = source.getvalue()[-_LONGEST_ZIP_END:]
    end = tail.rfind(b"PK\x05\x06")
    claimed = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if claimed > _LARGEST_DIRECTORY:
        raise FormatError(f"zip archive with {claimed:,} bytes of contents table; no track file.")


def _parse_header(text: str, name: str, start: int) -> ArrayHeader:
    found = {field: pattern.search(text) for field, pattern in _FIELDS.items()}
    match = found["descr"]
    kind = match.group(1) if match else "a structured or unreadable type"
    if "O" in kind:
        raise FormatError(f"{name}: holds pickled Python objects, which are never loaded.")
    if not _NUMBER.fullmatch(kind):
        raise FormatError(f"{name}: expected booleans, integers or floats; got {kind}.")
    if found["shape"] is None or found["fortran_order"] is None:
        raise FormatError(f"{name}: NumPy header without a readable shape and order.")
    sides = [side.strip() for side in found["shape"].group(1).split(",")]
    shape = tuple(int(side) for side in sides if side)
    if len(shape) > 8:
        raise FormatError(f"{name}: expected at most 8 axes; got {len(shape)}.")
    return ArrayHeader(np.dtype(kind), shape, found["fortran_order"].group(1) == "True", start)


def _claimed_shape(file: BinaryIO, name: str) -> tuple[int, ...]:
    header = read_header(file, name)
    _check_claim(header, name)
    return header.shape


def _check_claim(header: ArrayHeader, name: str) -> None:
    if max((header.num_bytes, *header.shape)) > MAX_ARRAY_BYTES:
        raise FormatError(
            f"{name}: claims {header.num_bytes:,} bytes (shape {header.shape}); at most "
            f"{MAX_ARRAY_BYTES:,} are read. Keep fewer tracks or frames."
        )


def _check_length(header: ArrayHeader, name: str, size: int) -> None:
    _check_claim(header, name)
    if header.start + header.num_bytes != size:
        raise FormatError(
            f"{name}: shape {header.shape} of {header.dtype} needs {header.num_bytes:,} bytes "
            f"but {max(size - header.start, 0):,} are there; copy the file again."
        )


def _readable(error: BaseException, name: str) -> FormatError:
    if isinstance(error, FormatError):
        return error
    return FormatError(f"{name}: broken inside its archive ({first_line(error)}); copy it again.")
