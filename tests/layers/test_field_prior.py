"""A dense field as a prior: what tracks leave open follows it, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.fields.motion_field import MotionField, grid_centres, resting_field
from motion_core.geometry import Size
from motion_core.layers import Layer, LayeredPicture
from motion_core.layers.densifier import field_of
from motion_core.layers.drawing import LayersRenderer
from motion_core.layers.field_prior import field_prior, shown_shares
from motion_core.layers.mesh import mesh_of
from motion_core.layers.motion import move_layers
from motion_core.tracks.model import empty_tracks

from .layered import disc, disc_picture, paths

SIZE, GRID, FRAMES = Size(96, 80), Size(48, 40), 3
REST = [[84, 70], [84, 70]]


def field_like(displacement: torch.Tensor) -> MotionField:
    """A field that grows evenly to a displacement (rows, columns, 2) at the last frame."""
    part = torch.linspace(0, 1, FRAMES).view(-1, 1, 1, 1)
    still = resting_field(FRAMES, GRID, SIZE)
    return MotionField(part * displacement, still.visible, still.confidence, SIZE)


def turned(degrees: float, centre: tuple[float, float]) -> torch.Tensor:
    """(rows, columns, 2) the displacements of a rotation about a place."""
    angle = np.deg2rad(degrees)
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    arm = grid_centres(GRID, SIZE) - torch.tensor(centre)
    return arm @ turn.T.float() - arm


def on_disc(layered: LayeredPicture) -> np.ndarray:
    place = grid_centres(GRID, SIZE).numpy()
    return np.hypot(place[..., 0] - 40, place[..., 1] - 40) < 11


def test_one_handle_goes_where_it_must_and_the_field_turns_the_thing() -> None:
    _, layered = disc_picture(SIZE)
    tracks = paths([[40, 40], REST[0]], [[46, 40], REST[1]], SIZE, frames=FRAMES)
    want = turned(20, (40, 40)) + torch.tensor([6.0, 0.0])
    dense = field_like(want)
    moved = field_of(layered, move_layers(layered, tracks, dense=dense), FRAMES, GRID)
    inside = on_disc(layered)
    got = moved.displacement[-1].numpy()
    assert np.abs(got[inside] - want.numpy()[inside]).max() < 0.3
    plain = field_of(layered, move_layers(layered, tracks), FRAMES, GRID).displacement[-1].numpy()
    assert np.abs(plain[inside] - want.numpy()[inside]).max() > 2
    # The background's track rests: the background does, too.
    assert not got[grid_centres(GRID, SIZE).numpy()[..., 0] > 60].any()


def test_handles_win_against_a_field_that_contradicts_them() -> None:
    _, layered = disc_picture(SIZE)
    at = [[34, 40], [46, 40], [40, 34], [40, 46]]
    tracks = paths([*at, REST[0]], [[x + 8, y] for x, y in at] + [REST[1]], SIZE, frames=FRAMES)
    dense = field_like(torch.tensor([-8.0, 5.0]).expand(GRID.height, GRID.width, 2))
    motion = move_layers(layered, tracks, dense=dense)
    assert motion.layers[0].residual.max() < 0.5


def test_a_background_without_tracks_follows_the_field() -> None:
    picture, _ = disc_picture(SIZE)
    empty = LayeredPicture((), picture, np.zeros((80, 96), bool), np.arange(0))
    dense = field_like(torch.tensor([5.0, -3.0]).expand(GRID.height, GRID.width, 2))
    renderer = LayersRenderer(picture, empty, empty_tracks(FRAMES, SIZE), dense=dense)
    frame, hole = renderer.draw(FRAMES - 1)
    np.testing.assert_allclose(frame[10:60, 20:80], picture[13:63, 15:75], atol=0.02)
    assert not hole[10:60, 20:80].any() and (hole[-2:] > 0.9).all()


def test_no_field_and_a_field_at_rest_leave_a_picture_without_tracks_alone() -> None:
    picture, _ = disc_picture(SIZE)
    empty = LayeredPicture((), picture, np.zeros((80, 96), bool), np.arange(0))
    tracks = empty_tracks(FRAMES, SIZE)
    for dense in (None, resting_field(FRAMES, GRID, SIZE)):
        frame, _ = LayersRenderer(picture, empty, tracks, dense=dense).draw(FRAMES - 1)
        assert np.array_equal(frame, picture)


def test_a_layer_reads_only_the_cells_that_show_it() -> None:
    alpha = disc(SIZE, (40, 40), 14)
    inside = on_disc(disc_picture(SIZE)[1])
    want = torch.zeros(GRID.height, GRID.width, 2)
    want[torch.from_numpy(inside)] = torch.tensor([7.0, 0.0])
    mesh = mesh_of(alpha, 4, margin=3)
    prior = field_prior(mesh, field_like(want), disc(SIZE, (40, 40), 9))
    assert prior is not None
    shift = prior.positions[-1] - mesh.vertices
    near = np.hypot(*(mesh.vertices - [40, 40]).T) < 9
    np.testing.assert_allclose(shift[near], np.broadcast_to([7, 0], shift[near].shape), atol=1e-3)
    assert shift[:, 0].min() > 3.5
    assert field_prior(mesh, field_like(want), np.zeros((80, 96), np.float32)) is None


def test_shares_are_what_is_shown() -> None:
    back, front = disc(SIZE, (40, 40), 14), disc(SIZE, (50, 40), 14)
    colour = np.zeros((80, 96, 3), np.float32)
    layers = tuple(Layer(alpha, colour, np.arange(1)) for alpha in (back, front))
    picture = LayeredPicture(layers, colour, np.zeros((80, 96), bool), np.arange(0))
    shares = shown_shares(picture)
    np.testing.assert_allclose(sum(shares), 1, atol=1e-6)
    np.testing.assert_allclose(shares[1], back * (1 - front), atol=1e-6)


@pytest.mark.parametrize("turn", [170.0, 90.0])
def test_a_violent_field_folds_no_triangle(turn: float) -> None:
    _, layered = disc_picture(SIZE)
    tracks = paths([[40, 40], REST[0]], [[46, 40], REST[1]], SIZE, frames=FRAMES)
    noise = torch.randn(GRID.height, GRID.width, 2, generator=torch.Generator().manual_seed(0))
    motion = move_layers(layered, tracks, dense=field_like(turned(turn, (40, 40)) + 20 * noise))
    one = motion.layers[0]
    corner = one.positions[:, one.mesh.triangles]
    first, second = corner[..., 1, :] - corner[..., 0, :], corner[..., 2, :] - corner[..., 0, :]
    assert (first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]).min() > 0
