from __future__ import annotations

from statistics import mean

import pytest
import torch

from motion_core.evaluation.tapvid import TapVidScores, tapvid_scores
from motion_core.trackers import LucasKanade, grid_queries

from .scenes import CLIPS, OCCLUDED, UNOCCLUDED, Motion
from .scenes import Clip as Scene

SPACING = 24


def scores_of(scene: Scene, frame: int = 0) -> TapVidScores:
    queries = grid_queries(scene.size, SPACING, frame)
    found = LucasKanade().track(scene.video(), queries)
    return tapvid_scores(found, scene.truth(queries), queries[:, 0].long())


@pytest.fixture(scope="module")
def scores() -> dict[str, TapVidScores]:
    return {name: scores_of(clip) for name, clip in CLIPS.items()}


@pytest.mark.slow
def test_what_is_in_sight_is_followed(scores: dict[str, TapVidScores]) -> None:
    mine = [scores[name] for name in UNOCCLUDED]
    assert mean(one.delta_avg for one in mine) >= 0.90
    assert mean(one.occlusion_accuracy for one in mine) >= 0.90
    assert min(one.delta_avg for one in mine) >= 0.85


def test_what_is_covered_is_lost_and_found_again(scores: dict[str, TapVidScores]) -> None:
    assert mean(one.average_jaccard for one in scores.values()) >= 0.90
    assert mean(scores[name].occlusion_accuracy for name in OCCLUDED) >= 0.90


@pytest.mark.slow
@pytest.mark.parametrize("frame", [9, 23])
def test_points_are_followed_back_in_time(frame: int) -> None:
    scene = CLIPS["two discs"]
    found = scores_of(scene, frame)
    assert found.average_jaccard >= 0.80


def test_each_point_begins_where_it_was_asked_for() -> None:
    scene = Scene(Motion((30.0, -12.0)), frames=8)
    queries = torch.tensor([[0, 100.3, 90.7], [5, 60.1, 200.9], [7, 200.0, 30.5]])
    found, truth = LucasKanade().track(scene.video(), queries), scene.truth(queries)
    for number, (frame, *place) in enumerate(queries.tolist()):
        assert found.xy[int(frame), number].tolist() == pytest.approx(place)
        assert bool(found.visible[int(frame), number])
    apart = (found.xy - truth.xy).norm(dim=-1)
    assert float(apart[truth.visible & found.visible].max()) < 0.25


def test_a_still_video_stays_still() -> None:
    video = Scene(frames=1).video().expand(5, -1, -1, -1)
    queries = grid_queries(Scene().size, 16, 2)
    found = LucasKanade().track(video, queries)
    assert float((found.xy - queries[None, :, 1:]).abs().max()) < 0.01
    assert bool(found.visible.all())
