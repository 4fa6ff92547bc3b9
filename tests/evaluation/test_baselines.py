"""Every way to spread tracks, held to what it promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from motion_core.evaluation.baselines import (
    Method,
    Question,
    evidence,
    gaussian,
    laplacian,
    nearest,
    rest,
    thin_plate,
)
from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

SIZE, GRID, FRAMES = Size(64, 48), 16, 3

EVERY: dict[str, Method] = {
    "rest": rest,
    "nearest": nearest,
    "gaussian": gaussian(0.1),
    "thin_plate": thin_plate(0.0),
    "laplacian": laplacian(0.0, 100.0),
    "edge_aware": laplacian(100.0, 100.0),
}
FOLLOWING = [name for name in EVERY if name != "rest"]


def centres() -> Tensor:
    axis = (torch.arange(GRID) + 0.5) / GRID
    x, y = torch.meshgrid(axis * SIZE.width, axis * SIZE.height, indexing="xy")
    return torch.stack([x, y], dim=-1)


def ask(start: Tensor, shift: Tensor, image: Tensor | None = None) -> Question:
    """Tracks at start (N, 2) that go to start + shift (N, 2) evenly."""
    share = torch.linspace(0, 1, FRAMES)[:, None, None]
    if image is None:
        image = torch.full((SIZE.height, SIZE.width, 3), 0.5)
    return Question(image, make_tracks(start + share * shift, SIZE), GRID)


def some_points(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(count, 2, generator=generator) * torch.tensor(SIZE)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_to_follow_is_rest(name: str) -> None:
    image = torch.zeros(SIZE.height, SIZE.width, 3)
    still = EVERY[name](Question(image, empty_tracks(FRAMES, SIZE), GRID))
    assert still.shape == (FRAMES, GRID, GRID, 2)
    assert not still.any()


@pytest.mark.parametrize("name", ["nearest", "thin_plate", "laplacian", "edge_aware"])
def test_a_common_shift_is_kept_everywhere(name: str) -> None:
    shift = torch.tensor([5.0, -2.0])
    field = EVERY[name](ask(some_points(7), shift.expand(7, 2)))
    assert torch.allclose(field[-1], shift.expand(GRID, GRID, 2), atol=1e-3)
    assert torch.allclose(field[1], 0.5 * shift.expand(GRID, GRID, 2), atol=1e-3)


def test_thin_plate_carries_on_an_affine_motion_exactly() -> None:
    points = some_points(12)
    matrix = torch.tensor([[0.1, 0.05], [-0.2, 0.3]])
    field = thin_plate(0.0)(ask(points, points @ matrix.T + 1.0))
    assert torch.allclose(field[-1], centres() @ matrix.T + 1.0, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2])
def test_thin_plate_without_a_plane_asks_the_nearest(count: int) -> None:
    question = ask(some_points(count), torch.tensor([[4.0, 1.0], [-3.0, 2.0]])[:count])
    assert torch.equal(thin_plate(0.0)(question), nearest(question))


def test_thin_plate_takes_points_on_one_line_and_at_one_place() -> None:
    line = torch.tensor([[5.0, 5.0], [10.0, 10.0], [20.0, 20.0]])
    assert torch.isfinite(thin_plate(0.0)(ask(line, torch.ones(3, 2)))).all()
    twice = torch.cat([some_points(5), some_points(5)])
    shift = torch.cat([torch.zeros(5, 2), torch.full((5, 2), 4.0)])
    field = thin_plate(0.0)(ask(twice, shift))
    assert torch.allclose(field[-1], torch.full((GRID, GRID, 2), 2.0), atol=1e-3)


def test_gaussian_is_the_formula() -> None:
    point, shift = torch.tensor([[20.0, 30.0]]), torch.tensor([[6.0, 2.0]])
    field = gaussian(0.125)(ask(point, shift))
    apart = (centres() - point[0]).square().sum(-1)
    wanted = torch.exp(-0.5 * apart / 6.0**2)[..., None] * shift[0]
    assert torch.allclose(field[-1], wanted, atol=1e-5)


def test_gaussian_never_goes_further_than_its_tracks() -> None:
    field = gaussian(0.5)(ask(some_points(20), torch.tensor([3.0, 0.0]).expand(20, 2)))
    assert float(field[-1, ..., 0].max()) <= 3.0 + 1e-5


def test_laplacian_is_harmonic_between_two_held_columns() -> None:
    """Left column still, right column moving: a straight ramp solves the equation."""
    edge = centres()[:, [0, -1]].reshape(-1, 2)
    shift = torch.zeros(len(edge), 2)
    shift[1::2, 0] = 15.0
    field = laplacian(0.0, 1e6)(ask(edge, shift))
    ramp = torch.linspace(0, 15, GRID).expand(GRID, GRID)
    assert torch.allclose(field[-1, ..., 0], ramp, atol=1e-2)


def test_edge_aware_motion_stops_at_an_edge() -> None:
    image = torch.zeros(SIZE.height, SIZE.width, 3)
    image[:, 32:] = 1.0
    points = torch.tensor([[16.0, 24.0], [48.0, 24.0]])
    shift = torch.tensor([[8.0, 0.0], [0.0, 0.0]])
    field = laplacian(100.0, 100.0)(ask(points, shift, image))[-1, ..., 0]
    assert float(field[:, :7].min()) > 7.0
    assert float(field[:, 9:].max()) < 1.0
    blind = laplacian(0.0, 100.0)(ask(points, shift, image))[-1, ..., 0]
    assert float(blind[:, 7].mean() - blind[:, 8].mean()) < 2.0


def test_hidden_points_move_evenly_between_what_is_seen() -> None:
    xy = torch.tensor([[1.0, 1.0], [99.0, 99.0], [5.0, 3.0], [77.0, 77.0]])[:, None]
    visible = torch.tensor([True, False, True, False])[:, None]
    starts, shifts = evidence(make_tracks(xy, SIZE, visible=visible))
    assert np.allclose(starts, [[1.0, 1.0]])
    assert np.allclose(shifts.reshape(4, 2), [[0, 0], [2, 1], [4, 2], [4, 2]])


def never_seen(tracks: Tracks) -> Tracks:
    return replace(tracks, visible=torch.zeros_like(tracks.visible))


@pytest.mark.parametrize("name", FOLLOWING)
def test_tracks_never_seen_are_no_evidence(name: str) -> None:
    question = ask(some_points(4), torch.ones(4, 2))
    blind = Question(question.image, never_seen(question.tracks), GRID)
    assert not EVERY[name](blind).any()
