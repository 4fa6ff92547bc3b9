"""The vote of measured tracks, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.geometry import Size
from motion_core.layers.deformation import Prior
from motion_core.layers.handles import Handles, similarities, to_complex
from motion_core.layers.votes import (
    AGREE,
    FIELD_SHARE,
    MESH_SHARE,
    NEARNESS,
    UNLIKE,
    Voters,
    geometric_median,
)

CANVAS = Size(128, 96)
FRAMES = 6


def handles_at(start: np.ndarray, moved: np.ndarray, visible: np.ndarray | None = None) -> Handles:
    """Handles that go evenly to `moved` (K, 2) from their starts."""
    part = np.linspace(0, 1, FRAMES)[:, None, None]
    shown = np.ones((FRAMES, len(start)), bool) if visible is None else visible
    return Handles(start, start + part * moved, shown, np.ones(len(start)), np.arange(len(start)))


def voters(handles: Handles, looks: np.ndarray | None = None) -> Voters:
    looks = np.zeros((12, 16, 4), np.float32) if looks is None else looks
    return Voters(handles, similarities(handles, 50.0), looks, CANVAS)


def total_distance(point: np.ndarray, values: np.ndarray, weights: np.ndarray) -> float:
    return sum(
        weight * float(np.sqrt((np.abs(one - point) ** 2).mean()))
        for one, weight in zip(values, weights, strict=True)
    )


def test_the_median_is_nearer_to_all_than_its_neighbours() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(1, 7, 3)) + 1j * random.normal(size=(1, 7, 3))
    weights = random.uniform(0.2, 1, (1, 7))
    found = geometric_median(values, weights, 1e-6)[0]
    best = total_distance(found, values[0], weights[0])
    mean = (weights[0][:, None] * values[0]).sum(0) / weights.sum()
    assert best < total_distance(mean, values[0], weights[0])
    for _ in range(50):
        step = 0.3 * (random.normal(size=3) + 1j * random.normal(size=3))
        assert best < total_distance(found + step, values[0], weights[0]) + 1e-2


def test_the_median_of_a_majority_is_the_majority() -> None:
    values = np.array([5, 5, 5, 90, -40], complex)[None, :, None].repeat(2, axis=2)
    found = geometric_median(values, np.ones((1, 5)), 0.01)
    np.testing.assert_allclose(found, 5, atol=0.2)


def test_a_vote_of_few_handles_is_the_plain_sum() -> None:
    random = np.random.default_rng(1)
    start = random.uniform(10, 80, (5, 2))
    handles = handles_at(start, random.normal(0, 4, (5, 2)))
    looks = random.random((96, 128, 4)).astype(np.float32)
    places = random.uniform(5, 90, (4, 2))
    moved = np.tile(places, (FRAMES, 1, 1)) + 1.0
    field = Prior(np.tile(places, (FRAMES, 1, 1)) - 2.0, random.random(4))
    group = voters(handles, looks)
    prior = group.prior(places, moved, field)

    beyond = to_complex(handles.xy) - to_complex(group.common.at(start))
    base = to_complex(group.common.at(places))

    def look(point: np.ndarray) -> np.ndarray:
        return looks[int(point[1]), int(point[0])]

    for number, place in enumerate(places):
        away = np.maximum(np.hypot(*(start - place).T), max(CANVAS) / 256)
        unlike = np.array([np.linalg.norm(look(place) - look(one)) for one in start])
        weight = away**-NEARNESS * np.exp(-UNLIKE * unlike)
        shares = [*(weight / weight.sum()), MESH_SHARE, FIELD_SHARE * field.weight[number]]
        values = np.stack(
            [
                *beyond.T,
                to_complex(moved[:, number]) - base[:, number],
                to_complex(field.positions[:, number]) - base[:, number],
            ]
        )
        chosen = geometric_median(values[None], np.array([shares]), AGREE * max(CANVAS))[0]
        goal = to_complex(prior.positions[:, number])
        np.testing.assert_allclose(goal, chosen + base[:, number], atol=1e-9)


def test_a_single_contrary_handle_moves_only_what_is_near() -> None:
    x, y = np.meshgrid(np.linspace(10, 118, 5), np.linspace(10, 86, 3))
    start = np.stack([x.ravel(), y.ravel()], axis=1)
    moved = np.zeros_like(start)
    moved[7] = [20.0, 0.0]
    places = np.array([[64.0, 48.5], [64.0, 12.0], [14.0, 48.0]])
    still = np.tile(places, (FRAMES, 1, 1))
    goal = voters(handles_at(start, moved)).prior(places, still, None).positions[-1]
    assert goal[0, 0] - 64 > 12
    assert np.abs(goal[1:] - places[1:]).max() < 1


def test_a_hidden_handle_keeps_what_it_had_beyond_the_others() -> None:
    start = np.array([[20.0, 20.0], [100.0, 20.0], [20.0, 80.0], [100.0, 80.0], [60.0, 50.0]])
    visible = np.ones((FRAMES, 5), bool)
    visible[3:, 4] = False
    handles = handles_at(start, np.full((5, 2), [30.0, 0.0]), visible)
    handles.xy[3:, 4] = 0
    places = np.array([[60.0, 51.0]])
    moved = np.tile(places, (FRAMES, 1, 1))
    goal = voters(handles).prior(places, moved, None).positions
    assert goal[-1, 0, 0] - 60 == pytest.approx(30, abs=1.5)
