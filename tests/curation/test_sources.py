"""Sources: folders, lists, patterns, archives and tables."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from motion_core.curation.cuts import timeline_of
from motion_core.curation.sources import find_sources
from motion_core.errors import FormatError, MissingExtraError

from .videos import numbered, write_mp4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """b.mp4, sub/a.mp4 with a caption beside it, and a file that is no video."""
    root = tmp_path / "videos"
    (root / "sub").mkdir(parents=True)
    write_mp4(root / "b.mp4", numbered(3))
    write_mp4(root / "sub" / "a.mp4", numbered(5))
    (root / "sub" / "a.txt").write_text("a grey wall\n", encoding="utf-8")
    (root / "notes.md").write_text("no video", encoding="utf-8")
    return root


def named(sources: list) -> list[tuple[str, str]]:
    return [(source.name, source.caption) for source in sources]


def test_a_folder_and_its_subfolders(folder: Path) -> None:
    assert named(find_sources([str(folder)])) == [("b.mp4", ""), ("sub/a.mp4", "a grey wall")]


def test_patterns(folder: Path) -> None:
    assert named(find_sources([f"{folder}/**/a.*"])) == [("sub/a.mp4", "a grey wall")]
    assert named(find_sources([f"{folder}/*.mp4", str(folder / "sub")])) == [
        ("a.mp4", "a grey wall"),
        ("b.mp4", ""),
    ]


def test_a_list_with_captions(folder: Path) -> None:
    text = "# chosen\nb.mp4\twhite\n\nsub/a.mp4\n"
    (folder / "chosen.txt").write_text(text, encoding="utf-8")
    found = find_sources([str(folder / "chosen.txt")])
    assert named(found) == [("b.mp4", "white"), ("sub/a.mp4", "a grey wall")]


def test_an_archive_is_read_in_place(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "set-0001.tar"
    about = json.dumps({"text": "seven", "license": "CC0"}).encode()
    with tarfile.open(archive, "w") as file:
        for name, data in (
            ("one.mp4", (folder / "b.mp4").read_bytes()),
            ("one.txt", b"three frames"),
            ("two.mp4", (folder / "sub" / "a.mp4").read_bytes()),
            ("two.json", about),
            ("three.json", b"{broken"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    one, two = find_sources([str(archive)])
    assert (one.name, one.caption, one.licence) == ("set-0001/one.mp4", "three frames", "")
    assert (two.name, two.caption, two.licence) == ("set-0001/two.mp4", "seven", "CC0")
    assert [timeline_of(source, "none").frames for source in (one, two)] == [3, 5]


def test_a_table_with_captions_and_licences(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow
    from pyarrow import parquet

    rows = {
        "video": ["b.mp4", str(folder / "sub" / "a.mp4")],
        "caption": ["white", None],
        "license": ["CC BY 4.0", "CC0"],
        "other": [1, 2],
    }
    parquet.write_table(pyarrow.table(rows), folder / "set.parquet")
    found = find_sources([str(folder / "set.parquet")])
    assert named(found) == [("b.mp4", "white"), ("sub/a.mp4", "a grey wall")]
    assert [source.licence for source in found] == ["CC BY 4.0", "CC0"]
    parquet.write_table(pyarrow.table({"url": ["x"]}), folder / "odd.parquet")
    with pytest.raises(FormatError, match="needs a column path"):
        find_sources([str(folder / "odd.parquet")])
    parquet.write_table(pyarrow.table({"path": [None, "b.mp4"]}), folder / "odd.parquet")
    with pytest.raises(FormatError, match="row 0: path must be"):
        find_sources([str(folder / "odd.parquet")])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.mp4", None, "there is no folder, file or match"),
        ("bad.tar", b"no archive", "not an uncompressed .tar"),
        ("none.txt", b"# nothing\n", "holds no video"),
        ("s3://bucket/x", None, "Mount the storage"),
        ("*.mkv", None, "holds no video"),
    ],
)
def test_what_is_no_source_is_refused(tmp_path: Path, name: str, content, says: str) -> None:
    place = name if "://" in name else str(tmp_path / name)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=says):
        find_sources([place])


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(FormatError, match="not a Parquet table"):
        find_sources([str(tmp_path / "bad.parquet")])


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch) -> None:
    import sys

    (tmp_path / "a.parquet").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="curation"):
        find_sources([str(tmp_path / "a.parquet")])


def test_names_are_unique(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    write_mp4(other / "b.mp4", numbered(2))
    with pytest.raises(ValueError, match=r"two videos are called b\.mp4"):
        find_sources([str(folder / "b.mp4"), str(other)])
