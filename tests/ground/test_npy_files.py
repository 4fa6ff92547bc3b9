"""NumPy's files: lying headers, booleans of other bytes, and sizes before memory."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from motion_core.errors import FormatError
from motion_core.npy_files import check_npz, npy_bytes, npz_bytes, read_npy, read_npy_shape


def test_booleans_of_other_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    content = bytearray(npy_bytes(np.ones(4, bool)))
    path.write_bytes(content)
    assert read_npy(path).tolist() == [True] * 4
    content[-1] = 2
    path.write_bytes(content)
    with pytest.raises(FormatError, match="booleans of the bytes 0 and 1"):
        read_npy(path)


def test_a_header_of_745_gib_is_refused_by_the_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    whole = npy_bytes(np.ones((2, 3)))
    path.write_bytes(whole.replace(b"(2, 3)", b"(100000, 1000000)").replace(b" " * 11, b"", 1))
    for read in (read_npy, read_npy_shape):
        with pytest.raises(FormatError, match="claims 800,000,000,000 bytes"):
            read(path)


def test_arrays_of_weights_are_checked_before_another_library_loads_them(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.ones((2, 3), np.float32), b=np.arange(4))
    check_npz(path)
    with pytest.raises(FormatError, match="take 56 bytes; at most 40|has .* bytes but at most 40"):
        check_npz(path, most_bytes=40)
    np.savez(path, a=np.array([None]))
    with pytest.raises(FormatError, match="never loaded"):
        check_npz(path)
    path.write_bytes(b"PK\x03\x04" + b"\0" * 50)
    with pytest.raises(FormatError, match="cut-off zip"):
        check_npz(path)


def test_arrays_that_are_too_large_to_be_read_are_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("motion_core.npy_files.MAX_ARRAY_BYTES", 100)
    assert np.load(io.BytesIO(npy_bytes(np.ones(12)))).shape == (12,)
    with pytest.raises(FormatError, match="104 bytes; at most 100 are read back"):
        npy_bytes(np.ones(13))


def test_python_objects_are_not_written() -> None:
    objects = np.array([{}], dtype=object)
    with pytest.raises(TypeError, match="booleans, integers or floats; got object"):
        npy_bytes(objects)
    with pytest.raises(TypeError, match="weights must hold"):
        npz_bytes({"weights": objects})


def test_an_archive_holds_the_arrays_and_nothing_else() -> None:
    with np.load(io.BytesIO(npz_bytes({"a": np.ones(2), "b": np.zeros(3)}))) as arrays:
        assert sorted(arrays) == ["a", "b"]
