"""Similarity against numpy, its picture, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.guidance.moft import heat_picture, similarity
from motion_core.guidance.moft.features import content_removed, video_features
from motion_core.guidance.moft.similarity import FADE, course_similarity

from .parts import FRAMES, PROBE, Toy, no_tracks, reference


def test_it_is_the_cosine_over_the_motion_channels_faded_at_rest() -> None:
    toy = Toy()
    target = reference(toy)
    video = torch.rand(FRAMES, 8, 8, 3, generator=torch.Generator().manual_seed(2))
    heat = similarity(toy, target, video, no_tracks).numpy()
    features = content_removed(video_features(toy, video, PROBE, no_tracks))
    motion = features[:, target.channels.index].numpy()
    course = target.course.numpy()
    least = FADE * np.linalg.norm(course, axis=1).max()
    for frame, row, column in ((0, 0, 0), (1, 4, 7), (3, 2, 5)):
        here, asked = motion[frame, :, row, column], course[frame]
        lengths = max(np.linalg.norm(here), least) * max(np.linalg.norm(asked), least)
        assert heat[frame, row, column] == pytest.approx(float(here @ asked) / lengths, abs=1e-5)
    assert np.abs(heat).max() <= 1.0 + 1e-6


def test_the_same_the_opposite_and_rest() -> None:
    target = reference(Toy())
    same = target.course[:, :, None, None].expand(-1, -1, 2, 2).clone()
    same[:, :, 0, 1] *= -3.0
    same[:, :, 1, 0] = 0.0
    strong = target.course.norm(dim=1).argmax()
    heat = course_similarity(same, target)[strong]
    torch.testing.assert_close(heat, torch.tensor([[1.0, -1.0], [0.0, 1.0]]))


def test_the_picture_is_red_where_alike_and_blue_where_opposed() -> None:
    heat = torch.tensor([1.0, 0.0, -1.0]).view(1, 1, 3).expand(2, 3, 3)
    video = torch.full((5, 30, 30, 3), 0.5)
    picture = heat_picture(heat, video)
    assert picture.shape == video.shape and picture.min() >= 0 and picture.max() <= 1
    left, middle, right = (picture[0, 15, column] for column in (2, 15, 27))
    assert left[0] > left[2] + 0.2 and right[2] > right[0] + 0.2
    assert float(middle.max() - middle.min()) < 0.05


def test_what_does_not_belong_together_is_refused() -> None:
    toy = Toy()
    other = Toy()
    with torch.no_grad():
        other.layer.mix.mul_(2.0)
    video = torch.rand(FRAMES, 8, 8, 3)
    with pytest.raises(ValueError, match="same model"):
        similarity(other, reference(toy), video, no_tracks)
    with pytest.raises(TypeError, match="no features"):
        similarity(object(), reference(toy), video, no_tracks)
    with pytest.raises(ShapeError, match="as many frames"):
        similarity(toy, reference(toy), torch.rand(FRAMES + 1, 8, 8, 3), no_tracks)
    with pytest.raises(ShapeError, match="heat"):
        heat_picture(torch.zeros(2, 2), video)
