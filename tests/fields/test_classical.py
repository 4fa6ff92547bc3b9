"""The classical densifiers, each held to what it promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from motion_core.errors import CanvasError
from motion_core.fields.densifier import Densifier
from motion_core.fields.interpolation import GaussianFalloff, NearestTrack, Rest, ThinPlate
from motion_core.fields.laplacian import Laplacian
from motion_core.fields.motion_field import field_on_canvas, grid_centres
from motion_core.fields.moving_least_squares import MovingLeastSquares
from motion_core.fields.scattered import MOST_HANDLES, handles_of
from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

SIZE, GRID, FRAMES = Size(64, 48), 16, 3
CELLS = Size(GRID, GRID)
GREY = torch.full((SIZE.height, SIZE.width, 3), 0.5)

EVERY: dict[str, Densifier] = {
    "rest": Rest(CELLS),
    "nearest": NearestTrack(CELLS),
    "gaussian": GaussianFalloff(CELLS, sigma_frac=0.1),
    "thin_plate": ThinPlate(CELLS),
    "moving_least_squares": MovingLeastSquares(CELLS),
    "laplacian": Laplacian(CELLS, data_weight=100.0),
    "edge_aware": Laplacian(CELLS, edge_weight=100.0, data_weight=100.0),
}
FOLLOWING = [name for name in EVERY if name != "rest"]


def centres() -> Tensor:
    return grid_centres(CELLS, SIZE)


def moving(start: Tensor, shift: Tensor) -> Tracks:
    """Tracks at start (N, 2) that go to start + shift (N, 2) evenly."""
    part = torch.linspace(0, 1, FRAMES)[:, None, None]
    return make_tracks(start + part * shift, SIZE)


def dense(densifier: Densifier, start: Tensor, shift: Tensor, image: Tensor = GREY) -> Tensor:
    return densifier(image, moving(start, shift)).displacement


def some_points(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(count, 2, generator=generator) * torch.tensor(SIZE)


@pytest.mark.parametrize("name", EVERY)
def test_without_tracks_nothing_moves(name: str) -> None:
    still = EVERY[name](GREY, empty_tracks(FRAMES, SIZE))
    assert still.displacement.shape == (FRAMES, GRID, GRID, 2)
    assert not still.displacement.any() and still.visible.all()


@pytest.mark.parametrize("name", [name for name in FOLLOWING if name != "gaussian"])
def test_a_common_shift_is_kept_everywhere(name: str) -> None:
    shift = torch.tensor([5.0, -2.0])
    field = dense(EVERY[name], some_points(7), shift.expand(7, 2))
    assert torch.allclose(field[-1], shift.expand(GRID, GRID, 2), atol=1e-3)
    assert torch.allclose(field[1], 0.5 * shift.expand(GRID, GRID, 2), atol=1e-3)


def test_thin_plate_carries_on_an_affine_motion_exactly() -> None:
    points = some_points(12)
    matrix = torch.tensor([[0.1, 0.05], [-0.2, 0.3]])
    field = dense(ThinPlate(CELLS), points, points @ matrix.T + 1.0)
    assert torch.allclose(field[-1], centres() @ matrix.T + 1.0, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2])
def test_thin_plate_without_a_plane_is_the_nearest_track(count: int) -> None:
    start, shift = some_points(count), torch.tensor([[4.0, 1.0], [-3.0, 2.0]])[:count]
    plate, nearest = (dense(one, start, shift) for one in (ThinPlate(CELLS), NearestTrack(CELLS)))
    assert torch.equal(plate, nearest)


def test_thin_plate_takes_points_on_one_line_and_at_one_place() -> None:
    line = torch.tensor([[5.0, 5.0], [10.0, 10.0], [20.0, 20.0]])
    assert torch.isfinite(dense(ThinPlate(CELLS), line, torch.ones(3, 2))).all()
    twice = torch.cat([some_points(5), some_points(5)])
    shift = torch.cat([torch.zeros(5, 2), torch.full((5, 2), 4.0)])
    field = dense(ThinPlate(CELLS), twice, shift)
    assert torch.allclose(field[-1], torch.full((GRID, GRID, 2), 2.0), atol=1e-3)


def test_gaussian_is_the_formula() -> None:
    point, shift = torch.tensor([[20.0, 30.0]]), torch.tensor([[6.0, 2.0]])
    field = dense(GaussianFalloff(CELLS, sigma_frac=0.125), point, shift)
    apart = (centres() - point[0]).square().sum(-1)
    wanted = torch.exp(-0.5 * apart / 6.0**2)[..., None] * shift[0]
    assert torch.allclose(field[-1], wanted, atol=1e-5)


def test_gaussian_never_goes_further_than_its_tracks() -> None:
    field = dense(
        GaussianFalloff(CELLS, sigma_frac=0.5),
        some_points(20),
        torch.tensor([3.0, 0.0]).expand(20, 2),
    )
    assert float(field[-1, ..., 0].max()) <= 3.0 + 1e-5


def test_laplacian_is_harmonic_between_two_held_columns() -> None:
    """Left column still, right column moving: a straight ramp solves the equation."""
    edge = centres()[:, [0, -1]].reshape(-1, 2)
    shift = torch.zeros(len(edge), 2)
    shift[1::2, 0] = 15.0
    field = dense(Laplacian(CELLS, data_weight=1e6), edge, shift)
    ramp = torch.linspace(0, 15, GRID).expand(GRID, GRID)
    assert torch.allclose(field[-1, ..., 0], ramp, atol=1e-2)


def test_edge_aware_motion_stops_at_an_edge() -> None:
    image = torch.zeros(SIZE.height, SIZE.width, 3)
    image[:, 32:] = 1.0
    points = torch.tensor([[16.0, 24.0], [48.0, 24.0]])
    shift = torch.tensor([[8.0, 0.0], [0.0, 0.0]])
    field = dense(EVERY["edge_aware"], points, shift, image)[-1, ..., 0]
    assert float(field[:, :7].min()) > 7.0
    assert float(field[:, 9:].max()) < 1.0
    blind = dense(EVERY["laplacian"], points, shift, image)[-1, ..., 0]
    assert float(blind[:, 7].mean() - blind[:, 8].mean()) < 2.0


def test_hidden_points_move_evenly_between_visible_positions() -> None:
    xy = torch.tensor([[1.0, 1.0], [99.0, 99.0], [5.0, 3.0], [77.0, 77.0]])[:, None]
    visible = torch.tensor([True, False, True, False])[:, None]
    handles = handles_of(make_tracks(xy, SIZE, visible=visible))
    assert np.allclose(handles.points, [[1.0, 1.0]])
    assert np.allclose(handles.shifts.reshape(4, 2), [[0, 0], [2, 1], [4, 2], [4, 2]])


@pytest.mark.parametrize("name", FOLLOWING)
def test_tracks_that_are_never_visible_do_not_count(name: str) -> None:
    tracks = moving(some_points(4), torch.ones(4, 2))
    hidden = replace(tracks, visible=torch.zeros_like(tracks.visible))
    assert not EVERY[name](GREY, hidden).displacement.any()


@pytest.mark.parametrize("name", EVERY)
def test_another_canvas_is_refused(name: str) -> None:
    with pytest.raises(CanvasError):
        EVERY[name](torch.zeros(48, 48, 3), empty_tracks(FRAMES, SIZE))


@pytest.mark.parametrize("name", FOLLOWING)
def test_a_grid_need_not_be_square(name: str) -> None:
    densifier = replace(EVERY[name], grid=Size(12, 9))  # type: ignore[type-var]
    field = densifier(GREY, moving(some_points(9), torch.full((9, 2), 3.0)))
    assert field.grid == Size(12, 9) and field.displacement.shape == (FRAMES, 9, 12, 2)
    if name != "gaussian":
        assert torch.allclose(field.displacement[-1], torch.tensor(3.0), atol=1e-3)


def test_of_very_many_tracks_an_even_choice_is_read() -> None:
    points = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(SIZE)
    handles = handles_of(moving(points, torch.ones(20_000, 2)))
    assert len(handles.points) == MOST_HANDLES
    counts, _, _ = np.histogram2d(*handles.points.T, bins=8, range=[(0, 64), (0, 48)])
    assert counts.max() < 2.2 * counts.min(), "one rank of points more or less per cell"
    few = moving(points[:9], torch.ones(9, 2))
    np.testing.assert_allclose(handles_of(few).points, points[:9].double())


def test_what_leaves_the_canvas_is_not_visible() -> None:
    moved = torch.zeros(2, 4, 4, 2)
    moved[1, ..., 0] = 20.0
    visible = field_on_canvas(moved, Size(64, 64)).visible
    assert visible[0].all()
    assert visible[1].tolist() == [[1.0, 1.0, 1.0, 0.0]] * 4
