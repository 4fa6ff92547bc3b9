"""Regular files as text, and JSON with limits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from motion_core.errors import FormatError
from motion_core.regular_files import decode_text, read_text, without_mark
from motion_core.safe_json import MAX_DEPTH, parse_json, read_json_object

TEXT = '{"name": "h\u00e9llo \u2603 \U0001f600"}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_of_every_marked_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "a.txt", 1000) == TEXT
    assert read_json_object(tmp_path / "a.txt") == {"name": "h\u00e9llo \u2603 \U0001f600"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_of_two_and_four_bytes_without_a_mark(encoding: str) -> None:
    assert decode_text(TEXT.encode(encoding)) == TEXT
    assert decode_text("a".encode(encoding)) != "" and decode_text(b"") == ""


def test_every_kind_of_line_end_is_one() -> None:
    assert decode_text(b"a\r\nb\rc\nd\r\r") == "a\nb\nc\nd\n\n"


def test_big_endian_marks_are_known() -> None:
    assert decode_text(b"\xfe\xff" + TEXT.encode("utf-16-be")) == TEXT
    assert decode_text(b"\x00\x00\xfe\xff" + TEXT.encode("utf-32-be")) == TEXT
    assert decode_text("\u2603".encode()[:2], "replace") == "\ufffd"
    assert without_mark("\ufeff[]") == "[]"


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("h\u00e9".encode("latin-1"))
    (tmp_path / "long").write_bytes(b"x" * 11)
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe") if hasattr(os, "mkfifo") else (tmp_path / "pipe").mkdir()
    wanted = {"latin": "byte 1: expected UTF-8", "long": "11 bytes but at most 10"}
    wanted |= {"empty": "0 bytes", "pipe": "give a file's path", "none": "cannot open"}
    for name, message in wanted.items():
        with pytest.raises(FormatError, match=message):
            read_text(tmp_path / name, 10)


def test_json_keeps_whole_numbers_and_floats() -> None:
    value = parse_json('\ufeff{"a": [1, -2.5, 1e300], "b": null, "c": "[[["}')
    assert value == {"a": [1, -2.5, 1e300], "b": None, "c": "[[["}
    assert type(value["a"][0]) is int
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1, column 2: not JSON"),
        ("", "not JSON"),
        ("[" * 65, "character 64: brackets nested deeper than 64"),
        (" " * (1 << 20) + "[" * 100_000, "nested deeper"),
        ('{"a":' * 100_000, "nested deeper"),
        ("[1" + "0" * 4300 + "]", "4,301 digits"),
        ("-1" + "0" * 308, "310 digits"),
        ("9" * 309, "309 digits"),
        ("[1e400]", "1e400 is beyond the range"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not"),
    ],
)
def test_hostile_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_json(text)


def test_a_config_must_be_an_object(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(FormatError, match=r"config\.json: expected a JSON object.*got list"):
        read_json_object(tmp_path / "config.json")
    with pytest.raises(FormatError, match=r"none\.json: cannot open"):
        read_json_object(tmp_path / "none.json")
