"""Writers of one pair of Wan-Move's files leave the pair of one of them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from motion_core.formats import read_tracks, write_tracks
from motion_core.formats.wan_move import LOCK_NAME, partner
from motion_core.geometry import Size
from motion_core.tracks import Tracks

SIZE = Size(64, 48)


def tracks(number: int) -> Tracks:
    """Positions and visibility that both tell which writer they are of."""
    xy = torch.full((2, 8, 2), float(number))
    visible = torch.arange(8) == number
    return Tracks(xy, visible.expand(2, -1).clone(), torch.arange(8), SIZE)


def number_in(path: Path) -> tuple[float, int]:
    found = read_tracks(path, size=SIZE)
    return float(found.xy[0, 0, 0]), int(found.visible[0].float().argmax())


def test_a_writer_between_the_renames_of_another_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a lock the second writer would replace both files between the renames of the first,
    whose last rename would then leave a file of each."""
    path = tmp_path / "a_tracks.npy"
    second = threading.Thread(target=write_tracks, args=(path, tracks(2)))
    replace = Path.replace

    def slowly(self: Path, target: Path) -> Path:
        result = replace(self, target)
        if target == partner(path) and threading.current_thread() is threading.main_thread():
            second.start()
            second.join(0.3)
        return result

    monkeypatch.setattr(Path, "replace", slowly)
    write_tracks(path, tracks(1))
    second.join(60.0)
    assert number_in(path) == (2.0, 2)
    names = {one.name for one in tmp_path.iterdir()}
    assert names == {path.name, partner(path).name, LOCK_NAME}


def test_many_writers_at_once_leave_one_pair(tmp_path: Path) -> None:
    path = tmp_path / "a_tracks.npy"

    def write(number: int) -> None:
        for _ in range(5):
            write_tracks(path, tracks(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    position, visible = number_in(path)
    assert position == visible
