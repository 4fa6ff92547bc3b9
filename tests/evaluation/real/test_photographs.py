"""Photographs from a folder: a small synthetic one, and the real one where it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.real.photographs import (
    chosen_thing,
    photograph_names,
    read_photograph,
)
from motion_core.image_files import write_image

ROOT = Path(__file__).parents[3]
REAL = Path(os.environ.get("MOTION_REAL_DATA") or ROOT.parent / "shared" / "data" / "real")


def write_photograph(folder: Path, name: str, seed: int = 0, side: int = 96) -> Path:
    """A noisy picture with a large thing 1 of a colour of its own, and a small thing 2 on it."""
    place = folder / "photos" / name
    place.mkdir(parents=True)
    y, x = np.mgrid[:side, : side * 3 // 2]
    rng = np.random.default_rng(seed)
    coarse = rng.random((side // 8, side * 3 // 16, 3)).repeat(8, 0).repeat(8, 1) * 0.3 + 0.2
    ids = np.zeros(x.shape, np.uint8)
    ids[(x - 60) ** 2 + (y - 48) ** 2 < 25**2] = 1
    ids[44:52, 56:64] = 2
    coarse[ids == 1] += 0.4
    coarse[ids == 2] = [0.9, 0.1, 0.1]
    write_image(place / "00000.jpg", torch.from_numpy(coarse.astype(np.float32)))
    grey = torch.from_numpy(ids)[..., None].expand(-1, -1, 3).contiguous()
    write_image(place / "mask.png", grey)
    things = [{"id": 1, "label": "ball", "area": 0.13}, {"id": 2, "label": "patch", "area": 0.005}]
    (place / "meta.json").write_text(json.dumps({"things": things}))
    return place


def test_photographs_are_found_and_read(tmp_path: Path) -> None:
    for name in ("set/b", "set/a"):
        write_photograph(tmp_path, name)
    assert photograph_names(tmp_path) == ["set/a", "set/b"]
    photograph = read_photograph(tmp_path, "set/a")
    assert photograph.image.shape == (96, 144, 3) and photograph.label == "ball"
    assert photograph.thing[48, 40] and not photograph.thing[48, 60]
    assert photograph.others.sum() == 64 and photograph.others[48, 60]


def test_large_pictures_are_reduced_with_their_masks(tmp_path: Path) -> None:
    write_photograph(tmp_path, "set/a")
    photograph = read_photograph(tmp_path, "set/a", long_side=72)
    assert photograph.image.shape == (48, 72, 3)
    assert photograph.thing.shape == (48, 72) and photograph.thing[24, 20]
    assert photograph.others.sum() == 16


@pytest.mark.parametrize(
    "areas, number", [((0.6, 0.3, 0.1), 2), ((0.2, 0.3, 0.1), 2), ((0.9, 0.6), 2), ((0.01,), 1)]
)
def test_the_largest_thing_of_half_the_picture_is_dragged(
    areas: tuple[float, ...], number: int
) -> None:
    things = [{"id": i, "label": "x", "area": area} for i, area in enumerate(areas, start=1)]
    assert chosen_thing({"things": things}) == (number, "x")


@pytest.mark.parametrize("meta", [{}, {"things": []}, {"things": [{"id": 1}]}, {"things": 3}])
def test_a_picture_without_things_is_refused(meta: dict) -> None:
    with pytest.raises(FormatError, match="thing"):
        chosen_thing(meta)


def test_folders_without_photographs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no photographs: expected photos/SET/NAME"):
        photograph_names(tmp_path)


@pytest.mark.parametrize(
    "file, content, message",
    [
        ("meta.json", "{", "is not JSON"),
        ("meta.json", "[]", "must hold an object"),
        ("mask.png", None, "must be"),
        ("meta.json", '{"things": [{"id": 7, "label": "x", "area": 0.1}]}', "no pixel of thing 7"),
    ],
)
def test_broken_items_are_named(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    place = write_photograph(tmp_path, "set/a")
    if content is None:
        write_image(place / file, torch.zeros(5, 5, 3))
    else:
        (place / file).write_text(content)
    with pytest.raises(FormatError, match=message):
        read_photograph(tmp_path, "set/a")


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real pictures in {REAL}: set MOTION_REAL_DATA")
def test_the_real_folder_has_ninety_photographs_with_things() -> None:
    names = photograph_names(REAL)
    assert len(names) >= 90
    photograph = read_photograph(REAL, names[0])
    assert max(photograph.image.shape) == 512
    assert 0 < photograph.thing.mean() <= 0.5
