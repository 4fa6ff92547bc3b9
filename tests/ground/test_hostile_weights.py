"""Weight files that are mutated or hostile: a FormatError that names the file, or their tensors."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_bytes

from motion_core.errors import FormatError
from motion_core.weights_io import read_shapes, read_weights

TENSORS = {"a.weight": torch.arange(12.0).view(3, 4), "b": torch.ones(2, dtype=torch.int64)}


def pickled(**options: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save({"state_dict": TENSORS}, buffer, **options)
    return buffer.getvalue()


VALID = {
    "w.safetensors": save_bytes(TENSORS, {"config": "{}"}),
    "zip.pt": pickled(),
    "old.pth": pickled(_use_new_zipfile_serialization=False),
}
EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 255), st.sampled_from(["set", "cut", "add"])),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("name", VALID)
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=EDITS)
def test_mutated_files_give_tensors_or_a_format_error(
    tmp_path: Path, name: str, edits: list[tuple[int, int, str]]
) -> None:
    content = bytearray(VALID[name])
    for place, value, kind in edits:
        at = place % max(1, len(content))
        if kind == "cut" and place % 7 == 0:
            del content[at:]
        elif kind == "add":
            content.insert(at, value)
        elif content:
            content[at] = value
    path = tmp_path / name
    path.write_bytes(content)
    try:
        tensors = read_weights(path)
    except FormatError as error:
        assert name in str(error)
    else:
        assert sum(value.nbytes for value in tensors.values()) <= 4 * len(content)


def test_headers_that_claim_terabytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    for shape, end in (([1 << 40], 1 << 42), ([1 << 62, 1 << 62], 16), ([4], 16)):
        header = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 8)
        for read in (read_weights, read_shapes):
            with pytest.raises(FormatError, match=r"huge\.safetensors"):
                read(path)
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(FormatError, match=r"huge\.safetensors"):
        read_weights(path)


class Buffer:
    """Asks the unpickler for a terabyte of zeros."""

    def __reduce__(self):
        return bytearray, (1 << 40,)


def test_pickles_that_ask_for_terabytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.pt"
    path.write_bytes(pickle.dumps({"a": Buffer()}, protocol=2))
    with pytest.raises(FormatError, match="is not opened"):
        read_weights(path)
    torch.save({"a": torch.ones(1).expand(1 << 20, 1 << 20)}, path)
    with pytest.raises(FormatError, match="without as many stored numbers"):
        read_weights(path)
    shared = torch.ones(1 << 16)
    torch.save({f"name{n}": shared for n in range(1000)}, path)
    with pytest.raises(FormatError, match="in a file of"):
        read_weights(path)
    torch.save({"a": torch.ones(2, device="meta")}, path)
    with pytest.raises(FormatError, match=r"huge\.pt"):
        read_weights(path)


def test_members_that_unpack_to_more_than_the_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * (8 << 20))
    with pytest.raises(FormatError, match="would unpack to 8,388,608 bytes"):
        read_weights(path)
