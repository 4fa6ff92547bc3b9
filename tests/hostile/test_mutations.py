"""Good files with a few bytes changed at random: read, or refused in one line."""

from __future__ import annotations

import random

import pytest

from motion_core.formats import FORMATS, read_tracks
from motion_core.tracks.model import Tracks

from .broken_files import SIZE, tracks_of
from .case import time_limit

MUTATIONS = 60
SPICE = (b"[", b"]", b"{", b'"', b"'", b",", b"NaN", b"1e999", b"\\", b"\xff" * 4, b"\0" * 4)


def mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3))):
        place = chance.randrange(len(changed))
        kind = chance.randrange(5)
        if kind == 0:
            changed[place] = chance.randrange(256)
        elif kind == 1:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del changed[place : place + chance.randrange(1, 20)]
        elif kind == 3:
            changed[place : place + 1] = chance.choice(SPICE)
        else:
            del changed[place + 1 :]
    return bytes(changed)


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_mutated_files(entry, tmp_path):
    path = tmp_path / f"dog_tracks{entry.suffixes[0]}"
    entry.write(path, tracks_of())
    whole, chance, refused = path.read_bytes(), random.Random(7), 0
    with time_limit():
        for _ in range(MUTATIONS):
            path.write_bytes(mutated(whole, chance))
            try:
                assert isinstance(read_tracks(path, size=SIZE), Tracks)
            except ValueError as error:
                refused += 1
                assert "\n" not in str(error)
                assert len(str(error)) < 400
    assert refused > MUTATIONS // 2
