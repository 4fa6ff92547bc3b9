"""Strategies of NumPy and safetensors files: wrong dtypes, shapes, values and lying headers."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .mutations import changed_values, dump, edited, edits, packed

_DTYPES = ("<f4", "<f8", "<f2", ">f4", "?", "|i1", "<i8", "|u1", "<u8", "<c8", "<U3", "M8[D]")
_NUMBERS = (np.nan, np.inf, -np.inf, 3e38, 1e308, -1.0, 0.0, 1e10, 65504.0, 2.0, 255.0, 1e9)
_SHAPES = ("()", "(0,)", "(4, 3, 2)", "(100000, 1000000, 2)", "(4294967296, 4294967296, 2)",
           "(0, 100000000, 2)", "(-1, 3)", "(1,)", "(2, 2, 2, 2, 2, 2, 2, 2, 2)")  # fmt: skip
_PLACES = st.integers(0, (1 << 16) - 1)


def npy(array: np.ndarray) -> bytes:
    """The content of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def changed_array(array: np.ndarray, action: str, place: int, choice: int) -> bytes:
    """A .npy file of an array with another dtype, shape or value, or with a header that lies."""
    if action == "dtype":
        with np.errstate(all="ignore"):
            array = array.astype(_DTYPES[choice % len(_DTYPES)], casting="unsafe")
    elif action == "value" and array.size and array.dtype.kind in "fiub":
        array = array.copy()
        number = _NUMBERS[choice % len(_NUMBERS)]
        with np.errstate(all="ignore"):
            array.reshape(-1)[place % array.size] = np.array(number).astype(array.dtype)
    elif action == "bytes" and array.size:
        raw = bytearray(array.tobytes())
        raw[place % len(raw)] = choice % 256
        array = np.frombuffer(bytes(raw), dtype=array.dtype).reshape(array.shape)
    elif action == "axis":
        array = array[None] if choice % 2 else array.reshape(-1)
    elif action == "slice" and array.ndim:
        array = array[: choice % (len(array) + 1)]
    elif action == "grow" and array.ndim and array.nbytes < 1 << 16:
        array = np.repeat(array, 1 + choice % 40, axis=place % array.ndim)
    content = npy(array)
    if action == "header":
        shape = str(array.shape).encode()
        wrong = _SHAPES[choice % len(_SHAPES)].encode()
        head = content[:128].replace(shape, wrong)
        content = head[:127].rstrip().ljust(127) + b"\n" + content[128:]
    return content


_ACTIONS = st.sampled_from(("dtype", "value", "value", "bytes", "axis", "slice", "grow", "header"))


def npy_files(arrays: Sequence[np.ndarray]) -> SearchStrategy[bytes]:
    """One of the arrays, changed, as a .npy file; now and then with damaged bytes."""
    changed = st.builds(
        changed_array, st.sampled_from(list(arrays)), _ACTIONS, _PLACES, st.integers(0, 255)
    )
    return st.one_of(changed, changed, changed, st.builds(edited, changed, edits(3)))


def npz_files(seeds: Sequence[Mapping[str, np.ndarray]]) -> SearchStrategy[bytes]:
    """One of the sets of arrays with some changed, removed or renamed, as a .npz file."""
    change = st.tuples(_ACTIONS, _PLACES, st.integers(0, 255))
    where = st.tuples(_PLACES, st.sampled_from(("change",) * 6 + ("remove", "rename")))
    changes = st.lists(st.tuples(where, change), min_size=1, max_size=3)
    methods = st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    whole = st.builds(_npz, st.sampled_from(list(seeds)), changes, methods)
    return st.one_of(whole, whole, whole, st.builds(edited, whole, edits(3)))


def _npz(seed: Mapping[str, np.ndarray], changes: Sequence[Any], method: int) -> bytes:
    arrays = {name: np.asarray(array) for name, array in seed.items()}
    contents = {name: npy(array) for name, array in arrays.items()}
    for (which, action), (kind, place, choice) in changes:
        name = list(arrays)[which % len(arrays)]
        if action == "remove":
            contents.pop(name, None)
        elif action == "rename":
            contents[f"{name}2"] = contents.pop(name, b"")
        else:
            contents[name] = changed_array(arrays[name], kind, place, choice)
    return packed([(f"{name}.npy", data) for name, data in contents.items()], method)


def safetensors_files(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """safetensors files with a changed header, a changed config in it, or damaged bytes."""
    headers = [json.loads(seed[8 : 8 + struct.unpack("<Q", seed[:8])[0]]) for seed in seeds]
    indices = st.integers(0, len(seeds) - 1)
    header = indices.flatmap(
        lambda n: st.builds(_with_header, st.just(seeds[n]), changed_values([headers[n]], 2))
    )
    damage = st.builds(lambda n, changes: edited(seeds[n], changes), indices, edits(4))
    strategies = [header, header, damage]
    configs = [n for n, head in enumerate(headers) if _config_of(head) is not None]
    if configs:
        strategies += [
            st.sampled_from(configs).flatmap(
                lambda n: st.builds(
                    _with_config, st.just(seeds[n]), changed_values([_config_of(headers[n])], 3)
                )
            )
        ] * 3
    return st.one_of(strategies)


def _config_of(header: Mapping[str, Any]) -> Any:
    text = header.get("__metadata__", {}).get("config")
    return json.loads(text) if text else None


def _with_header(content: bytes, header: Any) -> bytes:
    (length,) = struct.unpack("<Q", content[:8])
    text = dump(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def _with_config(content: bytes, config: Any) -> bytes:
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"]["config"] = dump(config)
    return _with_header(content, header)
