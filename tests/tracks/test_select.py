from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.tracks import (
    Tracks,
    concat,
    empty_tracks,
    make_tracks,
    select,
    select_farthest,
    select_ids,
    select_random,
    static_tracks,
)

from .clips import assert_same, random_tracks, seeds, tracks_strategy

CANVAS = Size(64, 48)


@given(tracks=tracks_strategy())
def test_selecting_everything_changes_nothing(tracks: Tracks) -> None:
    assert_same(select(tracks, torch.ones(tracks.num_points, dtype=torch.bool)), tracks)
    assert_same(select(tracks, range(tracks.num_points)), tracks)
    assert_same(select_ids(tracks, tracks.ids), tracks)


def test_select_takes_positions_in_the_given_order() -> None:
    tracks = random_tracks(3, 5, CANVAS)
    chosen = select(tracks, [4, 0])
    assert chosen.ids.tolist() == [tracks.ids[4], tracks.ids[0]]
    assert torch.equal(chosen.xy[:, 0], tracks.xy[:, 4])
    assert torch.equal(chosen.visible[:, 1], tracks.visible[:, 0])
    assert select(tracks, [False, True, False, True, False]).ids.tolist() == [
        tracks.ids[1],
        tracks.ids[3],
    ]
    assert select(tracks, []).num_points == 0


@pytest.mark.parametrize(
    ("index", "error", "says"),
    [
        ([0, 0], ValueError, "twice"),
        ([5], ValueError, r"0\.\.4 of 5 tracks; got 5"),
        ([-1], ValueError, "got -1"),
        ([[0, 1]], ShapeError, r"\(K,\)"),
        ([0.5], TypeError, "whole numbers"),
        ([True, False], ShapeError, r"\(5,\)"),
        (list(range(5, 30)), ValueError, "and 20 more"),
    ],
)
def test_select_refuses(index: list, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        select(random_tracks(3, 5, CANVAS), index)


@given(tracks=tracks_strategy(least_points=1), seed=seeds)
def test_select_ids_finds_tracks_wherever_they_are(tracks: Tracks, seed: int) -> None:
    order = torch.randperm(tracks.num_points, generator=torch.Generator().manual_seed(seed))
    assert_same(select_ids(select(tracks, order), tracks.ids), tracks)


def test_select_ids_names_what_is_missing() -> None:
    tracks = make_tracks(torch.zeros(2, 3, 2), CANVAS, ids=torch.tensor([7, 3, 9]))
    assert select_ids(tracks, [9, 7]).ids.tolist() == [9, 7]
    with pytest.raises(ValueError, match="no track has id 4, 10"):
        select_ids(tracks, [3, 4, 10])
    with pytest.raises(ValueError, match="no track has id 1"):
        select_ids(empty_tracks(2, CANVAS), [1])
    with pytest.raises(TypeError, match="whole numbers"):
        select_ids(tracks, [3.0])


@given(tracks=tracks_strategy(least_points=2), count=st.integers(1, 5), seed=seeds)
def test_random_choice_is_seeded_nested_and_ordered(tracks: Tracks, count: int, seed: int) -> None:
    chosen = select_random(tracks, count, seed=seed)
    assert_same(select_random(tracks, count, seed=seed), chosen)
    assert chosen.num_points == min(count, tracks.num_points)
    places = [tracks.ids.tolist().index(one) for one in chosen.ids.tolist()]
    assert places == sorted(places)
    more = select_random(tracks, count + 1, seed=seed)
    assert set(chosen.ids.tolist()) <= set(more.ids.tolist())


def test_random_choice_depends_on_the_seed_and_favours_nobody() -> None:
    tracks = static_tracks(torch.zeros(10, 2), 1, CANVAS)
    hits = torch.zeros(10)
    for seed in range(300):
        hits[select_random(tracks, 3, seed=seed).ids] += 1
    # 300 draws of 3 in 10: mean 90, deviation about 8.
    assert hits.min() > 55
    assert hits.max() < 125


@pytest.mark.parametrize("choose", [select_random, select_farthest])
def test_more_than_there_are_gives_all_and_none_is_refused(choose) -> None:
    tracks = random_tracks(3, 4, CANVAS)
    assert_same(choose(tracks, 1000, seed=3), tracks)
    assert choose(empty_tracks(3, CANVAS), 5, seed=3).num_points == 0
    for count in (0, -1):
        with pytest.raises(ValueError, match="count must be 1 or more"):
            choose(tracks, count, seed=3)
    with pytest.raises(TypeError, match="whole number"):
        choose(tracks, 2.5, seed=3)
    with pytest.raises(TypeError, match="seed"):
        choose(tracks, 2, seed=None)


def spread(points: Tensor) -> float:
    """The smallest distance between two of some points."""
    gaps = torch.cdist(points, points)
    gaps.fill_diagonal_(torch.inf)
    return float(gaps.min())


def greedy_spread(points: Tensor, first: int, count: int) -> list[int]:
    """Farthest-point sampling by its definition, one loop inside another."""
    chosen = [first]
    while len(chosen) < count:
        reach = [min(float(torch.dist(point, points[one])) for one in chosen) for point in points]
        chosen.append(max(range(len(points)), key=lambda place: reach[place]))
    return sorted(chosen)


@given(seed=seeds, count=st.integers(2, 11))
@settings(max_examples=25)
def test_farthest_choice_is_the_greedy_one(seed: int, count: int) -> None:
    tracks = random_tracks(2, 12, CANVAS, seed=seed, shown=1.0)
    first = select_farthest(tracks, 1, seed=seed).ids[0]
    wanted = greedy_spread(tracks.xy[0].double(), int((tracks.ids == first).nonzero()), count)
    assert torch.equal(select_farthest(tracks, count, seed=seed).ids, tracks.ids[wanted])


def test_farthest_choice_spreads_better_than_chance() -> None:
    tracks = random_tracks(2, 400, CANVAS, shown=1.0)
    even = spread(select_farthest(tracks, 20).xy[0])
    assert even > 2 * max(spread(select_random(tracks, 20, seed=s).xy[0]) for s in range(10))


def test_farthest_choice_uses_first_visible_positions_and_takes_hidden_tracks_last() -> None:
    xy = torch.zeros(2, 4, 2)
    xy[1, 1] = torch.tensor([60.0, 40.0])
    xy[:, 2] = torch.tensor([9e5, 9e5])  # a placeholder nobody may read
    visible = torch.tensor([[True, False, False, True], [True, True, False, True]])
    tracks = make_tracks(xy, CANVAS, visible=visible)
    for seed in range(8):
        assert 1 in select_farthest(tracks, 2, seed=seed).ids.tolist()
        assert select_farthest(tracks, 3, seed=seed).ids.tolist() == [0, 1, 3]


def test_farthest_choice_can_be_stopped() -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        select_farthest(random_tracks(2, 50, CANVAS), 10, progress=stop)


@given(tracks=tracks_strategy(), data=st.data())
def test_concat_undoes_a_split(tracks: Tracks, data: st.DataObject) -> None:
    middle = data.draw(st.integers(0, tracks.num_points))
    parts = [select(tracks, range(middle)), select(tracks, range(middle, tracks.num_points))]
    assert_same(concat(parts), tracks)
    assert_same(concat([tracks]), tracks)
    assert_same(concat([tracks, select(tracks, [])]), tracks)


def test_concat_gives_later_clashing_ids_fresh_numbers() -> None:
    first = make_tracks(torch.zeros(2, 3, 2), CANVAS, ids=torch.tensor([5, 0, 2]))
    second = make_tracks(torch.ones(2, 3, 2), CANVAS, ids=torch.tensor([0, 8, 5]))
    third = make_tracks(torch.ones(2, 1, 2), CANVAS, ids=torch.tensor([1]))
    together = concat([first, second, third])
    assert together.ids.tolist() == [5, 0, 2, 3, 8, 4, 1]
    assert together.xy[0, :, 0].tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_concat_survives_the_largest_and_smallest_ids() -> None:
    ids = torch.tensor([2**63 - 1, -(2**63)])
    tracks = make_tracks(torch.zeros(1, 2, 2), CANVAS, ids=ids)
    assert concat([tracks, tracks]).ids.tolist() == [*ids.tolist(), 0, 1]


def test_concat_keeps_an_fps_only_when_it_is_certain(caplog: pytest.LogCaptureFixture) -> None:
    def at(fps: float | None) -> Tracks:
        return empty_tracks(3, CANVAS, fps=fps)

    assert concat([at(None), at(16), at(16)]).fps == 16
    assert concat([at(16), at(24)]).fps is None
    assert "16, 24 fps" in caplog.text
    exact = 24000 / 1001
    for printed in (23.976, 23.98):
        assert concat([at(printed), at(exact), at(None)]).fps == exact
    assert concat([at(24), at(exact)]).fps is None
    assert concat([at(None)]).fps is None


def test_concat_says_what_to_do_about_differences() -> None:
    tracks = random_tracks(4, 2, CANVAS)
    with pytest.raises(CanvasError, match=r"64x48 but tracks 2 on 8x8.*fit\(\).*Transform Tracks"):
        concat([tracks, random_tracks(4, 2, Size(8, 8))])
    with pytest.raises(ShapeError, match=r"4 frames but tracks 3 have 5.*resample\(\).*Retime"):
        concat([tracks, tracks, random_tracks(5, 2, CANVAS)])
    with pytest.raises(ValueError, match="at least one"):
        concat([])
