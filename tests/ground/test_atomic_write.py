"""Files and folders appear complete or not at all, also with two writers and a full disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from motion_core.atomic_write import atomic_folder, atomic_write, write_text


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
