"""The samples: complete, small, and never in the way of a user's files."""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from motion_core.formats import read_tracks
from motion_core.motion_signal import read_motion_signal
from motion_core.video import read_video
from tests.host.pack import pack_module
from tests.host.runner import StandInHost
from tests.host.samples import (
    CAT,
    CLIP,
    PORTRAIT,
    SAMPLES,
    SIGNAL,
    SIGNAL_FRAMES,
    SIGNAL_SIZE,
    TRACKS,
    cat_picture,
    tracks_of_nod,
)

NAMES = sorted([CAT, PORTRAIT, CLIP, TRACKS, SIGNAL])


@pytest.fixture
def module(host: StandInHost) -> ModuleType:
    """nodes.samples as the host loaded it."""
    return pack_module("nodes.samples")


def test_the_host_gets_them_when_the_pack_loads(host: StandInHost) -> None:
    assert set(NAMES) <= {path.name for path in host.input_dir.iterdir()}


def test_a_file_that_is_there_stays(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / CAT).write_text("the user's own", encoding="utf-8")
    (tmp_path / CLIP).symlink_to(tmp_path / "nowhere.mp4")
    assert module.install_samples(tmp_path) == sorted([PORTRAIT, TRACKS, SIGNAL])
    assert (tmp_path / CAT).read_text(encoding="utf-8") == "the user's own"
    assert (tmp_path / CLIP).is_symlink()
    assert module.install_samples(tmp_path) == []
    assert (tmp_path / PORTRAIT).read_bytes() == (SAMPLES / PORTRAIT).read_bytes()
    assert [path.name for path in (tmp_path / SIGNAL).iterdir()]
    for path in (SAMPLES / SIGNAL).iterdir():
        assert (tmp_path / SIGNAL / path.name).read_bytes() == path.read_bytes()


def test_a_folder_that_is_there_stays(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / SIGNAL).mkdir()
    module.install_samples(tmp_path)
    assert not list((tmp_path / SIGNAL).iterdir())


def test_a_folder_that_cannot_be_written_is_logged(
    module: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert module.install_samples(tmp_path / "missing") == []
    assert "could not copy its samples" in caplog.text


def test_they_are_small_and_of_even_sides() -> None:
    from PIL import Image

    files = sorted(SAMPLES.glob("motion_prompting_*"))
    assert [path.name for path in files] == NAMES
    whole = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in whole) < 2_000_000
    for name in (CAT, PORTRAIT):
        with Image.open(SAMPLES / name) as image:
            assert image.width % 2 == image.height % 2 == 0


def test_the_clip_moves_as_its_tracks_say() -> None:
    """The frame in which the head is lowest is nearer to the picture moved along the tracks than
    to the picture itself."""
    clip, tracks = read_video(SAMPLES / CLIP)[0] / 255, read_tracks(SAMPLES / TRACKS)
    torch.testing.assert_close(tracks.xy, tracks_of_nod().xy)
    assert len(clip) == tracks.num_frames
    picture = cat_picture()
    far = int((tracks.xy - tracks.xy[0]).norm(dim=-1).max(dim=1).values.argmax())
    shift = (tracks.xy[far] - tracks.xy[0]).round().int()
    nose = int(shift.abs().sum(dim=-1).argmax())
    dx, dy = shift[nose].tolist()
    x, y = tracks.xy[0, nose].int().tolist()
    before = picture[y - 12 : y + 12, x - 12 : x + 12]
    there = clip[far, y + dy - 12 : y + dy + 12, x + dx - 12 : x + dx + 12]
    here = clip[far, y - 12 : y + 12, x - 12 : x + 12]
    assert np.abs((there - before).numpy()).mean() < 0.5 * np.abs((here - before).numpy()).mean()


def test_the_motion_signal_moves_inside_its_mask() -> None:
    found = read_motion_signal(SAMPLES / SIGNAL)
    assert found.video.shape == (SIGNAL_FRAMES, SIGNAL_SIZE.height, SIGNAL_SIZE.width, 3)
    change = (found.video - found.video[:1]).abs().amax(dim=(0, -1))
    inside = found.mask.any(dim=0)
    assert 0.1 < inside.float().mean() < 0.8
    assert change[inside].mean() > 4 * change[~inside].mean()
