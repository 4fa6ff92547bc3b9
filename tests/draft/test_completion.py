"""Scattered displacements made dense: exact where they can be, else as defined."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.interpolate
import torch
from numpy.typing import NDArray

from motion_core.draft.backward_field import BackwardField, cell_centres, field_grid
from motion_core.draft.completion import complete, pull_push
from motion_core.draft.group import PointGroup, field_at
from motion_core.fields.similarity import fit_common, fit_similarity
from motion_core.geometry import Size
from motion_core.layers.track_motion import motion_of
from motion_core.tracks import make_tracks

Array = NDArray[np.float32]
CANVAS = Size(200, 120)


def scattered(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform((0, 0), CANVAS, (count, 2)).astype(np.float32)


def turned(points: Array) -> Array:
    """Displacements of a turn by 20 degrees, a zoom by 1.3 and a shift."""
    angle = np.deg2rad(20)
    matrix = 1.3 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((points - [30, 50]) @ matrix.T + [40, 44] - points).astype(np.float32)


def weights_of(points: Array) -> Array:
    return np.ones(len(points), np.float32)


@pytest.mark.parametrize("count", [3, 50])
def test_a_turn_zoom_and_shift_is_completed_exactly_everywhere(count: int) -> None:
    points = scattered(count)
    field = complete(points, turned(points), weights_of(points), CANVAS)
    wanted = turned(field.centres.reshape(-1, 2)).reshape(field.values.shape)
    assert np.abs(field.values - wanted).max() < 0.02


def test_one_point_shifts_everything_and_points_on_one_spot_do_not_turn() -> None:
    for points, values in (
        (scattered(1), np.array([[3, -4]], np.float32)),
        (np.full((3, 2), 50, np.float32), np.array([[3, -4]] * 3, np.float32)),
    ):
        field = complete(points, values, weights_of(points), CANVAS)
        assert np.abs(field.values - [3, -4]).max() < 1e-4


def test_a_field_is_near_the_values_of_its_points() -> None:
    x, y = np.meshgrid(np.arange(4, 200, 8), np.arange(4, 120, 8))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    values = np.stack([6 * np.sin(points[:, 0] / 30), 4 * np.cos(points[:, 1] / 25)], axis=1)
    field = complete(points, values.astype(np.float32), weights_of(points), CANVAS)
    assert np.abs(field.at(points) - values).max() < 0.5


def test_points_of_more_weight_count_more() -> None:
    points = np.array([[100, 60], [100, 60]], np.float32)
    values = np.array([[0, 0], [10, 0]], np.float32)
    field = complete(points, values, np.array([0.1, 1], np.float32), CANVAS)
    assert field.at(points)[0, 0] == pytest.approx(10 / 1.1, abs=0.05)


def plain_pull_push(points: Array, values: Array, grid: Size) -> NDArray[np.float64]:
    """The definition, cell by cell, with torch for the enlarging."""
    sums = np.zeros((grid.height, grid.width, values.shape[1] + 1))
    for (x, y), value in zip(points - 0.5, values, strict=True):
        x, y = np.clip(x, 0, grid.width - 1), np.clip(y, 0, grid.height - 1)
        for row in (int(y), int(y) + 1):
            for column in (int(x), int(x) + 1):
                weight = max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row))
                if weight:
                    sums[row, column] += weight * np.append(value, 1)
    return push(sums)


def push(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = sums.shape[:2]
    mean = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-12)
    if (height, width) == (1, 1):
        return mean
    coarse = np.zeros((-(-height // 2), -(-width // 2), sums.shape[2]))
    for row in range(height):
        for column in range(width):
            coarse[row // 2, column // 2] += sums[row, column]
    below = torch.from_numpy(push(coarse)).permute(2, 0, 1)[None]
    enlarged = torch.nn.functional.interpolate(below, (height, width), mode="bilinear")
    filled = enlarged[0].permute(1, 2, 0).numpy()
    return filled + np.minimum(sums[..., -1:], 1) * (mean - filled)


@pytest.mark.parametrize("grid", [Size(8, 8), Size(13, 7), Size(1, 5)])
def test_pull_push_is_its_definition(grid: Size) -> None:
    random = np.random.default_rng(1)
    points = random.uniform((0, 0), grid, (9, 2)).astype(np.float32)
    values = random.normal(size=(9, 2)).astype(np.float32)
    got = pull_push(points, values, weights_of(points), grid)
    assert np.abs(got - plain_pull_push(points, values, grid)).max() < 1e-4


def test_similarity_is_linear_least_squares() -> None:
    random = np.random.default_rng(2)
    points = scattered(20)
    moved = random.normal(size=(3, 20, 2)).astype(np.float32)
    weights = random.uniform(0.1, 1, (3, 20))
    got = fit_similarity(points, moved, weights).at(points)
    x, y = points.T.astype(float)
    one, none = np.ones(20), np.zeros(20)
    system = np.concatenate([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
    for frame in range(3):
        root = np.sqrt(np.tile(weights[frame], 2))
        target = moved[frame].T.ravel()
        solution = np.linalg.lstsq(system * root[:, None], target * root, rcond=None)[0]
        assert np.abs(got[frame] - (system @ solution).reshape(2, 20).T).max() < 1e-3


def test_the_common_motion_is_that_of_most() -> None:
    points = scattered(200)
    moved = np.stack([turned(points), 2 * turned(points)])
    moved[:, :70] += [60, -30]
    visible = np.ones((2, 200), bool)
    got = fit_common(points, moved, visible, np.ones(200, np.float32))
    assert np.abs(got[0] - turned(points)).max() < 0.1


@pytest.mark.parametrize("canvas", [Size(200, 120), Size(770, 512), Size(1, 1), Size(65, 4000)])
def test_a_field_is_bilinear_between_the_centres_of_its_cells(canvas: Size) -> None:
    grid, cell = field_grid(canvas)
    random = np.random.default_rng(3)
    values = random.normal(size=(grid.height, grid.width, 2)).astype(np.float32)
    field = BackwardField(values, cell)
    axes = [(np.arange(count) - 0.5) * cell for count in (grid.height, grid.width)]
    oracle = scipy.interpolate.RegularGridInterpolator(axes, values)
    window = canvas.width // 3, canvas.height // 4, canvas.width, canvas.height
    across, along = field.over(*window)
    x, y = np.meshgrid(np.arange(window[0], window[2]), np.arange(window[1], window[3]))
    points = np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1)
    wanted = oracle(points[:, ::-1])
    assert np.abs(np.stack([across.ravel(), along.ravel()], 1) - wanted).max() < 1e-4
    assert np.abs(field.at(points.astype(np.float32)) - wanted).max() < 1e-3


def test_the_centres_of_cells_lie_a_ring_around_the_canvas() -> None:
    grid, cell = field_grid(Size(200, 120))
    centres = cell_centres(grid, cell)
    assert centres.shape == (17, 27, 2) and cell == 8
    assert centres[0, 0].tolist() == [-4, -4] and centres[-1, -1].tolist() == [204, 124]


def test_a_hidden_group_moves_evenly_between_visible_frames() -> None:
    xy = torch.tensor([[10.0, 10], [14, 10], [0, 0], [0, 0], [26, 10], [0, 0]])[:, None]
    visible = torch.tensor([True, True, False, False, True, False])[:, None]
    motion = motion_of(make_tracks(xy, CANVAS, visible=visible))
    group = PointGroup(np.array([0]), np.ones(1, np.float32))
    fields = [field_at(motion, group, frame, None) for frame in range(6)]
    assert fields[0] is None
    steps = [0.0 if one is None else float(one.values[3, 3, 0]) for one in fields]
    assert steps == pytest.approx([0, 4, 8, 12, 16, 16], abs=1e-3)
