"""Files that other systems wrote and released."""

from __future__ import annotations

import torch

from motion_core.formats import read_tracks
from motion_core.geometry import Size

from .samples import DATA, needs_data

pytestmark = needs_data


def test_giraffe_nose_moves_and_its_neck_is_pinned():
    tracks = read_tracks(DATA / "ati" / "giraffe.pth", size=Size(2656, 3984))
    assert tracks.xy.shape == (121, 2, 2)
    assert tracks.visible.all()
    nose, neck = tracks.xy[:, 0], tracks.xy[:, 1]
    assert (nose[0] - torch.tensor([1195.9, 2137.3])).abs().max() < 0.1
    assert (neck == neck[0]).all()
    assert (nose - nose[0]).norm(dim=-1).max() > 500


def test_human_has_three_tracks_inside_the_picture():
    tracks = read_tracks(DATA / "ati" / "human.pth", size=Size(644, 926))
    assert tracks.num_points == 3
    assert ((tracks.xy > 0) & (tracks.xy < torch.tensor([644.0, 926.0]))).all()


def test_wan_move_example():
    tracks = read_tracks(DATA / "wan-move" / "example_tracks.npy", size=Size(832, 480), fps=16)
    assert tracks.xy.shape == (81, 1, 2)
    assert tracks.visible.all()
    assert (tracks.xy[0, 0] - torch.tensor([481.0, 217.5])).abs().max() < 1e-3
