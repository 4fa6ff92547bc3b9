"""Depth of a video: one canvas, at least one frame, one lens."""

from __future__ import annotations

import pytest
import torch

from motion_core.depth.depth_video import DepthVideo
from motion_core.depth.draw_depth import draw_depth, draw_depth_video
from motion_core.depth.sources import make_depth
from motion_core.errors import ShapeError
from motion_core.geometry import Size


def test_frames_share_the_first_lens_and_keep_their_depth() -> None:
    maps = [make_depth(torch.full((4, 6), 1.0 + n), fov_deg=50.0 + n) for n in range(3)]
    video = DepthVideo.of(maps)
    assert video.size == Size(6, 4) and torch.equal(video.first.z, maps[0].z)
    for one, before in zip(video.maps, maps, strict=True):
        assert torch.equal(one.K, maps[0].K) and torch.equal(one.z, before.z)


def test_other_sizes_and_no_frames_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least one frame"):
        DepthVideo(())
    with pytest.raises(ShapeError, match="frame 0 is 6x4 and frame 1 is 4x6"):
        DepthVideo((make_depth(torch.ones(4, 6)), make_depth(torch.ones(6, 4))))


def test_a_surface_keeps_its_grey_while_others_come_and_go() -> None:
    z = torch.full((2, 8, 8), 4.0)
    z[:, :, 4:] = 8.0
    z[1, :4, :4] = 2.0
    valid = torch.ones(2, 8, 8, dtype=torch.bool)
    valid[1, 7, 7] = False
    drawn = draw_depth_video(z, valid)
    assert drawn.shape == (2, 8, 8, 3) and drawn.dtype == torch.float32
    assert torch.equal(drawn[0, 4:, :4], drawn[1, 4:, :4]), "one scale for the whole clip"
    assert float(drawn[1, 0, 0, 0]) == pytest.approx(1.0)
    assert float(drawn[0, 0, 7, 0]) == pytest.approx(0.15)
    assert not drawn[1, 7, 7].any(), "unknown is black"
    assert not draw_depth_video(z, torch.zeros_like(valid)).any()
    alone = make_depth(z[0])
    assert torch.equal(draw_depth(alone), draw_depth_video(z[:1], valid[:1])[0])
