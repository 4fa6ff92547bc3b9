"""A hundred thousand tracks: every operation stays far from a loop in Python."""

from __future__ import annotations

import time

import pytest
import torch

from motion_core import tracks as algebra
from motion_core.geometry import Size
from motion_core.tracks import Tracks

from .clips import random_tracks

CANVAS = Size(832, 480)
OPERATIONS = {
    "select_random": lambda t: algebra.select_random(t, 5000, seed=0),
    "select_ids": lambda t: algebra.select_ids(t, t.ids.flip(0)),
    "select_farthest": lambda t: algebra.select_farthest(t, 200),
    "concat": lambda t: algebra.concat([t, t, t]),
    "fit": lambda t: algebra.fit(t, Size(512, 512), "cover"),
    "transform": lambda t: algebra.transform(t, rotate_deg=20, scale=1.1),
    "resample": lambda t: algebra.resample(t, 33),
    "ease": lambda t: algebra.ease(t, lambda u: u**3),
    "loop": lambda t: algebra.loop(t, 2, ping_pong=True),
    "smooth_time": lambda t: algebra.smooth_time(t, 2),
    "hide_outside": algebra.hide_outside,
    "summarize": algebra.summarize,
}


@pytest.fixture(scope="module")
def many() -> Tracks:
    return random_tracks(17, 100_000, CANVAS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_hundred_thousand_tracks_take_no_time(name: str, many: Tracks) -> None:
    start = time.perf_counter()
    OPERATIONS[name](many)
    # A loop over tracks takes ten seconds and more; all of these take far below one.
    assert time.perf_counter() - start < 5


def test_a_clip_of_the_greatest_length_is_fine() -> None:
    long = random_tracks(100_000, 2, CANVAS)
    start = time.perf_counter()
    assert algebra.smooth_time(long, 5).num_frames == 100_000
    assert algebra.resample(long, 99_999).num_frames == 99_999
    assert time.perf_counter() - start < 10
    assert torch.isfinite(algebra.ease(long, lambda u: u * u).xy).all()
