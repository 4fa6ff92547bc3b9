"""Hard questions to the whole chain, from picture and tracks to frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.geometry import Size
from motion_core.images import image_array
from motion_core.layers import take_apart
from motion_core.layers.drawing import LayersRenderer
from motion_core.layers.mesh import doubled_areas
from motion_core.tracks.model import Tracks, make_tracks

from .pictures import CENTRE, SIZE, disc_alpha, disc_picture, group, tracks_of

Question = tuple[torch.Tensor, Tracks]


def featureless_sky() -> Question:
    return torch.full((120, 160, 3), 0.7), tracks_of([CENTRE], [(10, 10), (150, 110)])


def contradiction() -> Question:
    """Neighbours on one thing cross each other."""
    apart = tracks_of([(60, 60), (80, 60)], [], by=[(30.0, 0.0), (-30.0, 0.0)])
    return disc_picture(), apart


def opposite_many() -> Question:
    start = torch.rand(40, 2, generator=torch.Generator().manual_seed(0)) * 30 + 50
    way = torch.linspace(0, 1, 5).view(-1, 1, 1)
    jump = torch.randn(40, 2, generator=torch.Generator().manual_seed(1)) * 40
    return disc_picture(), make_tracks(start + way * jump, SIZE)


def thousands() -> Question:
    start = torch.rand(4096, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(SIZE)
    on = ((start - torch.tensor(CENTRE)).norm(dim=-1) < 27).float()[:, None]
    way = torch.linspace(0, 1, 5).view(-1, 1, 1)
    return disc_picture(), make_tracks(start + way * on * torch.tensor([12.0, 0.0]), SIZE)


def cut_by_the_frame() -> Question:
    picture = disc_picture(disc_alpha(centre=(4.0, 60.0), radius=30))
    return picture, tracks_of([(8, 60), (14, 50), (14, 70)], [(150, 10), (150, 110)])


def out_of_the_frame() -> Question:
    return disc_picture(), tracks_of(group(), [(150, 10), (10, 110)], by=(400.0, 0.0))


def sixteen_pixels() -> Question:
    size = Size(16, 16)
    picture = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(0))
    return picture, tracks_of([(8, 8)], [(1, 1), (15, 15)], by=(5.0, 0.0), size=size)


QUESTIONS = [
    featureless_sky,
    contradiction,
    opposite_many,
    thousands,
    cut_by_the_frame,
    out_of_the_frame,
    sixteen_pixels,
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.__name__)
def test_frames_are_finite_and_whole(question) -> None:
    image, tracks = question()
    picture = image_array(image, tracks.size)
    renderer = LayersRenderer(picture, take_apart(image, tracks), tracks)
    first, _ = renderer.draw(0)
    np.testing.assert_array_equal(first, picture)
    last, uncovered = renderer.draw(tracks.num_frames - 1)
    assert np.isfinite(last).all() and last.min() >= 0 and last.max() <= 1
    assert np.isfinite(uncovered).all() and uncovered.min() >= 0 and uncovered.max() <= 1
    for one in (*renderer.motion.layers, renderer.motion.plate):
        if len(one.mesh.triangles):
            assert doubled_areas(one.positions, one.mesh.triangles).min() > 0
    assert np.abs(last - picture).max() > 0.02 or question is featureless_sky


def test_sky_that_is_dragged_stays_sky() -> None:
    image, tracks = featureless_sky()
    last, _ = LayersRenderer(image.numpy(), take_apart(image, tracks), tracks).draw(4)
    np.testing.assert_allclose(last, image.numpy(), atol=2e-3)


def test_what_leaves_the_frame_is_gone_and_its_place_filled() -> None:
    image, tracks = out_of_the_frame()
    last, uncovered = LayersRenderer(image.numpy(), take_apart(image, tracks), tracks).draw(4)
    assert (last[..., 0] > 0.6).sum() < 5
    assert uncovered[60, 70] == 1
