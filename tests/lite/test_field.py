"""The one-step field: shapes, limits, odd input."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.models.lite import bilateral_solver, control_encoder
from motion_core.models.lite.bilateral_solver import cell_colours, smooth_edge_aware
from motion_core.models.lite.lite import _evenly
from motion_core.models.lite.track_batch import FILLED_CONFIDENCE, make_track_batch, unit_px
from motion_core.tracks.model import empty_tracks, make_tracks

from .models import picture, tiny_lite, wandering

CANVAS = Size(60, 40)


@pytest.fixture(scope="module")
def lite():
    torch.set_num_threads(1)
    return tiny_lite()


def test_the_field_moves_with_its_tracks_in_pixels(lite) -> None:
    shift = torch.tensor([12.0, -5.0])
    still = make_tracks(torch.rand(1, 9, 2).expand(4, -1, -1) * 40, CANVAS)
    moved = replace(still, xy=still.xy + shift * torch.arange(4)[:, None, None] / 3)
    field = lite.field(picture(60, 40), moved)
    assert field.displacement.shape == (4, 8, 8, 2)
    assert field.visible.shape == (4, 8, 8)
    # Every head agrees on a common shift; only "nothing moves here" takes from it.
    last = field.displacement[-1].reshape(-1, 2)
    direction = torch.nn.functional.normalize(last, dim=-1) @ torch.nn.functional.normalize(
        shift, dim=0
    )
    assert float(direction.min()) > 0.999
    assert bool((field.displacement[0] == 0).all())
    assert bool((field.visible[0] == 1).all())


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_without_tracks_nothing_moves(lite, frames: int) -> None:
    field = lite.field(picture(60, 40), empty_tracks(frames, CANVAS))
    assert field.displacement.shape == (frames, 8, 8, 2)
    assert not field.displacement.any()


def test_hidden_and_weightless_tracks_do_nothing(lite) -> None:
    tracks = wandering(4, 5, CANVAS)
    hidden = replace(tracks, visible=torch.zeros_like(tracks.visible))
    assert not lite.field(picture(60, 40), hidden).displacement.any()
    assert not lite.field(picture(60, 40), tracks, torch.zeros(5)).displacement.any()
    with pytest.raises(ShapeError, match="weights"):
        lite.field(picture(60, 40), tracks, torch.ones(4))


def test_a_point_that_is_not_visible_is_not_read(lite) -> None:
    tracks = wandering(5, 6, CANVAS)
    visible = tracks.visible.clone()
    visible[2, 3] = False
    lost = tracks.xy.clone()
    lost[2, 3] = 1e6
    first = lite.field(picture(60, 40), replace(tracks, visible=visible))
    second = lite.field(picture(60, 40), replace(tracks, visible=visible, xy=lost))
    assert torch.equal(first.displacement, second.displacement)


@pytest.mark.parametrize("size", [Size(1, 1), Size(3, 200), Size(200, 3)])
def test_odd_pictures(lite, size: Size) -> None:
    field = lite.field(picture(*size), wandering(3, 4, size))
    assert bool(torch.isfinite(field.displacement).all())


def test_another_canvas_is_refused(lite) -> None:
    with pytest.raises(CanvasError, match="fit"):
        lite.field(picture(60, 41), wandering(3, 4, CANVAS))


def test_pieces_give_what_the_whole_gives(lite, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = wandering(3, 40, CANVAS)
    whole = lite.field(picture(60, 40), tracks)
    monkeypatch.setattr(control_encoder, "MAX_WEIGHTS", 3 * 40 * 5)
    pieces = lite.field(picture(60, 40), tracks)
    torch.testing.assert_close(pieces.displacement, whole.displacement, atol=1e-4, rtol=1e-4)


def test_order_and_padding_do_not_matter() -> None:
    lite, size = tiny_lite(1), Size(32, 32)
    many, few = wandering(4, 9, size), wandering(4, 3, size, seed=5)
    half = torch.tensor([4.0, 4.0])
    features = lite.encoder.features(torch.zeros(2, 3, 32, 32))
    both = control_encoder.estimate_field(
        lite.encoder, features, make_track_batch([many, few]), half
    )
    alone = control_encoder.estimate_field(
        lite.encoder, features[1:], make_track_batch([few]), half
    )
    torch.testing.assert_close(both.displacement[1], alone.displacement[0])


def test_hidden_positions_are_filled_in_with_little_confidence() -> None:
    xy = torch.tensor([[9.0, 9], [0, 0], [9, 9], [4, 8], [9, 9]])[:, None]
    visible = torch.tensor([False, True, False, True, False])[:, None]
    track_batch = make_track_batch([make_tracks(xy, Size(8, 8), visible=visible)])
    unit = unit_px(Size(8, 8))
    moved = track_batch.displacement[0, 0] * unit
    torch.testing.assert_close(moved, torch.tensor([[0.0, 0], [0, 0], [2, 4], [4, 8], [4, 8]]))
    assert track_batch.confidence[0, 0].tolist() == pytest.approx(
        [FILLED_CONFIDENCE, 1, FILLED_CONFIDENCE, 1, FILLED_CONFIDENCE]
    )
    with pytest.raises(ShapeError, match="Resample"):
        make_track_batch([empty_tracks(3, CANVAS), empty_tracks(4, CANVAS)])


def test_smoothing_keeps_confident_and_uniform_motion() -> None:
    generator = torch.Generator().manual_seed(0)
    rough = torch.randn(2, 8, 8, 2, generator=generator)
    colours, confidence = (
        torch.rand(8, 8, 3, generator=generator),
        torch.rand(8, 8, generator=generator),
    )
    torch.testing.assert_close(
        smooth_edge_aware(rough, torch.ones(8, 8), colours), rough, atol=1e-2, rtol=0
    )
    flat = torch.ones(2, 8, 8, 2) * 3
    torch.testing.assert_close(smooth_edge_aware(flat, confidence, colours), flat)
    still = smooth_edge_aware(torch.zeros(2, 8, 8, 2), confidence, colours)
    assert not still.any()


def test_smoothing_solves_its_normal_equations() -> None:
    """Against the normal equations written out with loops and solved at once."""
    generator = torch.Generator().manual_seed(1)
    grid = 5
    rough = torch.randn(1, grid, grid, 2, generator=generator)
    confidence = torch.rand(grid, grid, generator=generator) * 0.9 + 0.05
    colours = torch.rand(grid, grid, 3, generator=generator) * 0.1
    odds = (confidence / (1 - confidence)).square().flatten()
    matrix = torch.diag(odds).double()
    wanted = odds[:, None] * rough.view(-1, 2)
    for one in range(grid * grid):
        row, column = divmod(one, grid)
        for other in ((row, column + 1), (row + 1, column)):
            if max(other) < grid:
                apart = (colours[row, column] - colours[other]).square().sum()
                pull = bilateral_solver.SMOOTHNESS * (
                    torch.exp(-apart / (2 * 0.04**2)) + bilateral_solver.LEAST_AFFINITY
                )
                two = other[0] * grid + other[1]
                matrix[one, one] += pull
                matrix[two, two] += pull
                matrix[one, two] -= pull
                matrix[two, one] -= pull
    solved = torch.linalg.solve(matrix, wanted.double()).float().view(1, grid, grid, 2)
    torch.testing.assert_close(
        smooth_edge_aware(rough, confidence, colours), solved, atol=5e-3, rtol=0
    )


def test_an_uncertain_cell_moves_with_its_own_colour() -> None:
    """Two halves of different colour, one moving; a strip of each is wrong and uncertain."""
    image = torch.zeros(32, 32, 3)
    image[:, 16:] = 1.0
    colours = cell_colours(image.permute(2, 0, 1)[None] * 2 - 1, 8)
    field = torch.zeros(1, 8, 8, 2)
    field[:, :, 4:] = 10.0
    truth, confidence = field.clone(), torch.ones(8, 8)
    field[:, :, 3], field[:, :, 4] = 10.0, 0.0
    confidence[:, 3:5] = 0.0
    torch.testing.assert_close(
        smooth_edge_aware(field, confidence, colours), truth, atol=0.5, rtol=0
    )


def test_fifty_thousand_tracks_are_thinned_evenly(lite, caplog: pytest.LogCaptureFixture) -> None:
    tracks = wandering(2, 50_000, CANVAS)
    crowd = torch.arange(50_000) < 45_000
    tracks = replace(tracks, xy=torch.where(crowd[:, None], tracks.xy / 12, tracks.xy))
    with caplog.at_level("INFO"):
        many = lite.field(picture(60, 40), tracks)
    assert "thinned evenly to 4096" in caplog.text
    assert bool(torch.isfinite(many.displacement).all())
    kept = _evenly(tracks, torch.ones(50_000, dtype=torch.bool))
    assert len(kept.unique()) == 4096
    # By chance alone nine of ten would come from the crowd.
    assert float(crowd[kept].float().mean()) < 0.3
