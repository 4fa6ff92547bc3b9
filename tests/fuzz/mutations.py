"""Strategies that damage valid inputs: bytes, lines of text, JSON, and members of archives."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# Numbers at which sizes and offsets break, in the widths and orders of file formats.
_EDGES = (
    0,
    1,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 64) - 1,
)
_PACKED = tuple(
    struct.pack(form, edge)
    for form, top in (
        ("<H", 1 << 16),
        (">H", 1 << 16),
        ("<I", 1 << 32),
        (">I", 1 << 32),
        ("<Q", 1 << 64),
        (">Q", 1 << 64),
    )  # fmt: skip
    for edge in _EDGES
    if edge < top
)
_SPICE = (b"[", b"]", b"{", b'"', b"'", b",", b";", b":", b"\n", b"\0", b"\xff", b"NaN", b"1e999",
          b"-", b"\\", b"9" * 400, b"\xed\xa0\x80", b"\xef\xbb\xbf")  # fmt: skip
_PLACES = st.integers(0, (1 << 24) - 1)


class Raw(str):
    """A JSON token as it is written, such as NaN or a number of 5,000 digits."""


ODD_NUMBERS = (
    0, -1, 1, 2, True, 0.5, -0.0, 1e-308, 1e308, -1e308, 3e38, 1e10, 65504.0, 1 << 31, 1 << 63,
    Raw("NaN"), Raw("Infinity"), Raw("1e400"), Raw("9" * 400), Raw("9" * 5000),
    Raw("1" + "0" * 308),
)  # fmt: skip
ODD_VALUES = (
    *ODD_NUMBERS, None, False, "", "nan", "\ud800", "a" * 5000, "\0", [], {}, [[]], [1e30, 2],
    [[[[[[[[[[]]]]]]]]]], {"x": 1}, {"": None}, Raw("[" * 3000 + "]" * 3000),
)  # fmt: skip


def edits(most: int = 5) -> SearchStrategy[list[tuple[str, int, bytes]]]:
    """Edits of bytes: what is done, where (by its remainder), and with which bytes."""
    payload = st.one_of(
        st.sampled_from(_PACKED), st.sampled_from(_SPICE), st.binary(min_size=1, max_size=8)
    )
    kind = st.sampled_from(("over", "over", "insert", "delete", "repeat", "cut", "flip"))
    return st.lists(st.tuples(kind, _PLACES, payload), min_size=1, max_size=most)


def edited(content: bytes, changes: Sequence[tuple[str, int, bytes]]) -> bytes:
    """The content after edits."""
    data = bytearray(content)
    for kind, place, payload in changes:
        at = place % (len(data) + 1)
        if kind == "over":
            data[at : at + len(payload)] = payload
        elif kind == "insert":
            data[at:at] = payload
        elif kind == "delete":
            del data[at : at + 1 + place % 37]
        elif kind == "repeat" and len(data) < 1 << 20:
            data[at:at] = bytes(data[max(0, at - 64) : at]) * (1 + place % 5)
        elif kind == "cut" and place % 3 == 0:
            del data[at:]
        elif data:
            data[at % len(data)] ^= 1 << (payload[0] & 7)
    return bytes(data)


def damaged(seeds: Sequence[bytes], most: int = 5) -> SearchStrategy[bytes]:
    """One of the seeds after edits of its bytes."""
    return st.builds(edited, st.sampled_from(list(seeds)), edits(most))


def dump(value: Any) -> str:
    """JSON of a value that may hold Raw tokens and half surrogates."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {dump(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value)


def changed_values(seeds: Sequence[Any], most: int = 3) -> SearchStrategy[Any]:
    """One of the seeds, values of JSON, with some of its parts replaced, removed or repeated."""
    actions = ("replace", "replace", "replace", "remove", "repeat", "rename", "nest", "move")
    change = st.tuples(st.sampled_from(actions), _PLACES, st.sampled_from(ODD_VALUES), _PLACES)
    changes = st.lists(change, min_size=1, max_size=most)
    return st.builds(_changed, st.sampled_from(list(seeds)), changes)


def json_text(seeds: Sequence[Any], most: int = 3) -> SearchStrategy[str]:
    """Texts of changed_values, and now and then of JSON with damaged characters."""
    whole = changed_values(seeds, most).map(dump)
    texts = [dump(seed).encode("utf-8", "surrogatepass") for seed in seeds]
    broken = damaged(texts).map(lambda data: data.decode("utf-8", "surrogateescape"))
    return st.one_of(whole, whole, whole, broken)


def as_bytes(texts: SearchStrategy[str]) -> SearchStrategy[bytes]:
    """Texts as the content of a file, now and then in another encoding."""
    encodings = st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32"))
    return st.builds(lambda text, name: text.encode(name, "surrogatepass"), texts, encodings)


def table_text(seeds: Sequence[str], odd: Sequence[str] = ()) -> SearchStrategy[str]:
    """Tables and scripts of words with words replaced and lines removed or repeated."""
    words = ("", "nan", "-1", "1e308", "3e38", "9" * 400, "x", "\ud800", "0", "2", "1.5", "=", *odd)
    actions = st.sampled_from(("word", "word", "remove", "repeat", "join"))
    change = st.tuples(actions, _PLACES, _PLACES, st.sampled_from(words))
    return st.builds(_changed_table, st.sampled_from(list(seeds)), st.lists(change, max_size=4))


def repacked(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Zip archives whose members were damaged and packed again, with right checksums."""
    names = st.sampled_from(("", "", "", "../a", "xy.npy", "data.pkl"))
    return st.builds(
        _repacked, st.sampled_from(list(seeds)), _PLACES, edits(3), names, st.booleans()
    )


def png_chunks(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """PNG files whose chunks were damaged, with right checksums."""
    return st.builds(_changed_png, st.sampled_from(list(seeds)), _PLACES, edits(2))


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here]
    if len(here) < 12 and isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value[:200])
        for key, entry in entries:
            found.extend(_paths(entry, (*here, key)))
    return found


def _changed(seed: Any, changes: Sequence[tuple[str, int, Any, int]]) -> Any:
    holder = [deepcopy(seed)]
    for action, place, odd, other in changes:
        paths = _paths(holder[0])
        *parents, key = (0, *paths[place % len(paths)])
        parent: Any = holder
        for step in parents:
            parent = parent[step]
        _apply(parent, key, action, deepcopy(odd), other)
        if not holder:
            break
    return holder[0] if holder else None


def _apply(parent: Any, key: Any, action: str, odd: Any, other: int) -> None:
    if action == "remove":
        del parent[key]
    elif action == "repeat" and isinstance(parent[key], list):
        parent[key] = parent[key] * (2 + other % 30)
    elif action == "rename" and isinstance(parent, dict):
        parent[str(odd)[:20]] = parent.pop(key)
    elif action == "nest":
        for _ in range(1 + other % 80):
            parent[key] = [parent[key]]
    elif action == "move":
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        parent[key] = parent[keys[other % len(keys)]]
    else:
        parent[key] = odd


def _changed_table(seed: str, changes: Sequence[tuple[str, int, int, str]]) -> str:
    lines = seed.split("\n")
    for action, place, other, word in changes:
        at = place % len(lines) if lines else 0
        if not lines:
            return ""
        separator = next((s for s in (",", " ") if s in lines[at]), " ")
        words = lines[at].split(separator)
        if action == "word":
            words[other % len(words)] = word
            lines[at] = separator.join(words)
        elif action == "remove":
            del lines[at]
        elif action == "repeat":
            lines[at:at] = [lines[at]] * (1 + other % 3)
        else:
            lines[at] = word + lines[at]
    return "\n".join(lines)


def _members(content: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def packed(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def _repacked(
    seed: bytes, place: int, changes: Sequence[tuple[str, int, bytes]], name: str, deflate: bool
) -> bytes:
    members = _members(seed)
    at = place % len(members)
    members[at] = (name or members[at][0], edited(members[at][1], changes))
    members = list(dict(members).items())
    return packed(members, zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _changed_png(seed: bytes, place: int, changes: Sequence[tuple[str, int, bytes]]) -> bytes:
    chunks = _chunks(seed)
    at = place % (2 * len(chunks)) % len(chunks)
    kind, data = chunks[at]
    chunks[at] = (kind, edited(data, changes))
    out = bytearray(seed[:8])
    for kind, data in chunks:
        out += struct.pack(">I", len(data)) + kind + data
        out += struct.pack(">I", zlib.crc32(kind + data))
    return bytes(out)
