from __future__ import annotations

import math

import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.evaluation.tapvid import tapvid_scores
from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

SQUARE = Size(256, 256)


def line(*x: float, visible: str, size: Size = SQUARE) -> Tracks:
    """One track at y = 10; visible: v and - by frame."""
    xy = torch.tensor([[[one, 10.0]] for one in x])
    return make_tracks(xy, size, visible=torch.tensor([[letter == "v"] for letter in visible]))


def test_a_perfect_answer() -> None:
    truth = line(1, 2, 3, visible="v-v")
    found = tapvid_scores(truth, truth, torch.tensor([0]))
    assert (found.delta_avg, found.occlusion_accuracy, found.average_jaccard) == (1.0, 1.0, 1.0)


def test_counted_by_hand() -> None:
    # Behind frame 0: off by 0.5, 3 and 20 while visible; frame 4 is hidden but called visible.
    truth = line(0, 10, 20, 30, 40, visible="vvvv-")
    found = line(0, 10.5, 23, 50, 40, visible="vvvvv")
    score = tapvid_scores(found, truth, torch.tensor([0]))
    # Within 1 and 2 px: one of three; within 4, 8 and 16: two of three.
    assert score.delta == pytest.approx((1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3))
    assert score.occlusion_accuracy == pytest.approx(3 / 4)
    # 1 px: 1 right; 3 visible in truth + 3 wrong (two far, one hidden).  4 px: 2 / (3 + 2).
    assert score.jaccard == pytest.approx((1 / 6, 1 / 6, 2 / 5, 2 / 5, 2 / 5))


def test_a_point_called_hidden_is_neither_right_nor_wrong() -> None:
    truth = line(0, 10, 20, visible="vvv")
    found = line(0, 10, 20, visible="v-v")
    score = tapvid_scores(found, truth, torch.tensor([0]))
    assert (score.delta_avg, score.occlusion_accuracy) == (1.0, 0.5)
    assert score.average_jaccard == pytest.approx(1 / 2)


def test_distances_are_of_a_picture_of_256() -> None:
    wide = Size(512, 256)
    truth, found = line(0, 100, visible="vv", size=wide), line(0, 103, visible="vv", size=wide)
    # 3 px of 512 are 1.5 of 256.
    assert tapvid_scores(found, truth, torch.tensor([0])).delta == (0.0, 1.0, 1.0, 1.0, 1.0)


def test_a_distance_of_exactly_the_threshold_is_too_far() -> None:
    truth, found = line(0, 100, visible="vv"), line(0, 102, visible="vv")
    assert tapvid_scores(found, truth, torch.tensor([0])).delta == (0.0, 0.0, 1.0, 1.0, 1.0)


def test_which_frames_count() -> None:
    truth, found = line(0, 10, 20, visible="vvv"), line(50, 99, 20, visible="vvv")
    query = torch.tensor([1])
    assert tapvid_scores(found, truth, query, "after").delta_avg == 1.0
    assert tapvid_scores(found, truth, query, "all").delta_avg == 0.5
    assert math.isnan(tapvid_scores(found, truth, torch.tensor([2]), "after").delta_avg)


def test_what_does_not_belong_together_is_refused() -> None:
    truth = line(0, 10, visible="vv")
    with pytest.raises(ShapeError, match="same points"):
        tapvid_scores(line(0, visible="v"), truth, torch.tensor([0]))
    with pytest.raises(CanvasError, match="fit them"):
        tapvid_scores(line(0, 1, visible="vv", size=Size(9, 9)), truth, torch.tensor([0]))
    with pytest.raises(ShapeError, match="query_frames"):
        tapvid_scores(truth, truth, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="0..1"):
        tapvid_scores(truth, truth, torch.tensor([2]))
