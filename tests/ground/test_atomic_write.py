"""Files and folders appear complete or not at all, also with two writers and a full disk."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from motion_core.atomic_write import (
    atomic_folder,
    atomic_write,
    naming,
    remove_leftovers,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_replaces_the_target(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    for durable in (False, True):
        with atomic_write(target, durable=durable) as temporary:
            temporary.write_text(f"new {durable}")
            assert temporary.parent == target.parent
        assert target.read_text() == f"new {durable}"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("stopped"), KeyboardInterrupt(), OSError("other")])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: BaseException
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(error)) as caught, atomic_write(target) as temporary:
        temporary.write_text("half")
        raise error
    assert caught.value is error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_of_one_target_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_write(target) as first:
        first.write_text("first")
        with atomic_write(target) as second:
            second.write_text("second")
        assert first != second
        assert target.read_text() == "second"
    assert target.read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_nested_targets_change_together_or_not_at_all(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    with pytest.raises(RuntimeError), atomic_write(first) as one, atomic_write(second) as two:
        one.write_text("1")
        two.write_text("2")
        raise RuntimeError
    assert names(tmp_path) == []


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / ("電" * 80 + ".txt")
    write_text(target, "x")
    assert target.read_text() == "x"


def test_errors_name_the_target(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(OSError, match="No space left.*a.txt") as caught, atomic_write(target):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(FileNotFoundError) as missing, atomic_write(target):
        pass
    assert missing.value.filename == str(target)
    with pytest.raises(FileNotFoundError, match="no folder .*none"):
        write_text(tmp_path / "none" / "a.txt", "x")
    with pytest.raises(IsADirectoryError, match="give a file name"):
        write_text(tmp_path, "x")


def test_errors_about_other_files_stay_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a.txt"):
        source.read_text()
    assert caught.value.filename == str(source)
    with pytest.raises(BrokenPipeError) as pipe, atomic_write(tmp_path / "a.txt"):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert pipe.value.filename is None


def test_a_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "scene"
    with pytest.raises(RuntimeError), atomic_folder(target) as temporary:
        (temporary / "half").write_text("x")
        raise RuntimeError
    assert names(tmp_path) == []
    with atomic_folder(target) as temporary:
        (temporary / "whole").write_text("x")
    assert names(tmp_path) == ["scene"]
    assert names(target) == ["whole"]
    with pytest.raises(FileExistsError, match="remove it first"), atomic_folder(target):
        pass


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a" * 300, "has 300 bytes; file systems allow 255"),
        ("é" * 150, "has 300 bytes"),
        ("a\0b", "NUL character"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused_in_a_sentence(
    tmp_path: Path, name: str, says: str
) -> None:
    for open_target in (atomic_write, atomic_folder):
        with pytest.raises(ValueError, match=says), open_target(tmp_path / name):
            pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps half surrogates in names")
def test_half_a_character_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half a one"), atomic_write(tmp_path / "a\ud800"):
        pass


def test_folders_that_are_missing_too_long_or_loops_count_as_missing(tmp_path: Path) -> None:
    folders = [tmp_path / "gone", tmp_path / ("a" * 300)]
    if sys.platform != "win32":
        loop = tmp_path / "loop"
        loop.symlink_to(loop)
        folders.append(loop)
    for folder in folders:
        with pytest.raises(FileNotFoundError, match="create it first"), atomic_write(folder / "a"):
            pass


def test_errors_of_a_full_disk_name_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with pytest.raises(OSError, match=r"No space left on device.*log\.jsonl"), naming(log):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match="^other$"), naming(log):
        raise OSError("other")


def test_what_a_killed_writer_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    target = tmp_path / "r.json.journal"
    with atomic_write(target) as temporary:
        young = temporary.with_name(temporary.name.replace(".part", "x.part"))
        old = young.with_name(young.name.replace("x.part", "y.part"))
        other = tmp_path / ".other.0123.part"
        for path in (temporary, young, old, other):
            path.write_text("half")
        for path in (old, other):
            os.utime(path, (0, 0))
        remove_leftovers(target)
        assert {path.name for path in tmp_path.iterdir()} == {
            path.name for path in (temporary, young, other)
        }
