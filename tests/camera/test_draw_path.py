"""The picture of a path: where things are drawn, since how it looks is for eyes."""

from __future__ import annotations

import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.draw_path import draw_path
from motion_core.depth.sources import make_depth

from .views import SIZE, lens, moved, path_of, steps

BLUE, ORANGE = torch.tensor([64, 184, 255]) / 255, torch.tensor([255, 140, 51]) / 255


def places(picture: torch.Tensor, color: torch.Tensor) -> torch.Tensor:
    """(M, 2) x, y of pixels of nearly one colour."""
    near = (picture - color).abs().amax(dim=-1) < 0.12
    return torch.nonzero(near).flip(1).float()


def test_a_dolly_runs_up_from_above_and_to_the_right_from_the_side() -> None:
    picture = draw_path(path_of(steps(lambda u: moved(0, 0, u), 2.0, 41)))
    assert picture.shape == (480, 960, 3)
    assert float(picture.min()) >= 0.0 and float(picture.max()) <= 1.0
    above, side = picture[:, :480], picture[:, 480:]
    assert places(above, BLUE)[:, 1].mean() > places(above, ORANGE)[:, 1].mean() + 200
    assert places(side, ORANGE)[:, 0].mean() > places(side, BLUE)[:, 0].mean() + 200
    assert abs(float(places(above, BLUE)[:, 0].mean()) - 240) < 12


def test_a_pedestal_rises_on_the_side_view_only() -> None:
    picture = draw_path(path_of(steps(lambda u: moved(0, -u, 0), 2.0, 41)))
    above, side = picture[:, :480], picture[:, 480:]
    assert places(side, BLUE)[:, 1].mean() > places(side, ORANGE)[:, 1].mean() + 200
    last = places(above, ORANGE)  # the cameras lie on one another
    assert float(last[:, 1].max() - last[:, 1].min()) < 60


def test_the_scene_is_drawn_ahead_of_the_camera() -> None:
    depth = make_depth(torch.full((SIZE.height, SIZE.width), 4.0), K=lens())
    path = path_of([moved(0, 0, 0)])
    bare, full = draw_path(path), draw_path(path, depth)
    assert torch.equal(draw_path(path, depth), full)
    points = places(full[30:450, :480], torch.tensor([120, 128, 140]) / 255)  # without the text
    assert len(points) > 100
    assert 30 + float(points[:, 1].max()) < float(places(full[:, :480], BLUE)[:, 1].max())
    assert not torch.equal(bare, full)


def test_a_path_without_frames_is_refused() -> None:
    empty = CameraPath(torch.zeros(0, 4, 4).double(), torch.zeros(0, 3, 3).double(), SIZE)
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_path(empty)
