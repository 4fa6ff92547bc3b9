"""The pivot of a picture: what is logged about one that lies far behind the nearer surfaces."""

from __future__ import annotations

import logging

import pytest
import torch

from motion_core.camera.setup import make_setup
from motion_core.depth.sources import make_depth


def depth_of(near: float, far: float):
    z = torch.full((10, 10), far)
    z[:, :3] = near
    return make_depth(z)


def test_a_pivot_far_behind_the_nearer_surfaces_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        make_setup(depth_of(4.0, 500.0), 5)
    assert "the pivot is 500 away, but the nearer surfaces are 4 away" in caplog.text


def test_an_ordinary_pivot_or_a_picked_one_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        make_setup(depth_of(4.0, 40.0), 5)
        make_setup(depth_of(4.0, 500.0), 5, point=(1.0, 1.0))
    assert not caplog.text
