"""Errors of dense motion, counted by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.evaluation.field_errors import (
    Truth,
    boundary,
    dense_errors,
    read_field,
    track_error,
    visible_accuracy,
)
from motion_core.evaluation.video_similarity import psnr, ssim
from motion_core.geometry import Size
from motion_core.tracks.model import make_tracks

SIZE, GRID = Size(8, 8), 4


def truth() -> Truth:
    """A 2x2 thing in the top left corner of a 4x4 grid goes 3 px right; the rest stays."""
    layers = torch.zeros(GRID, GRID, dtype=torch.int64)
    layers[:2, :2] = 1
    displacement = torch.zeros(2, GRID, GRID, 2)
    displacement[1, :2, :2, 0] = 3.0
    return Truth(displacement, torch.ones(2, GRID, GRID, dtype=torch.bool), layers)


def one_track(x: float, y: float) -> Tensor:
    return torch.tensor([[[x, y]], [[x + 3.0, y]]])


def test_errors_by_place() -> None:
    """Rest misses the thing's four cells by 3 px; three of eight at its rim are its own."""
    held = make_tracks(one_track(1.0, 1.0), SIZE)
    found = dense_errors(torch.zeros(2, GRID, GRID, 2), truth(), held)
    assert found == pytest.approx(
        {"frame": 12 / 16, "object": 3.0, "boundary": 9 / 8, "background": 0.0}
    )


def test_what_is_hidden_does_not_count() -> None:
    known = truth()
    known.visible[1, 0, 0] = False
    held = make_tracks(one_track(1.0, 1.0), SIZE)
    found = dense_errors(torch.zeros(2, GRID, GRID, 2), known, held)
    assert found["frame"] == pytest.approx(9 / 15)


def test_an_object_is_what_holds_a_track() -> None:
    elsewhere = make_tracks(one_track(6.0, 6.0), SIZE)
    assert math.isnan(dense_errors(torch.zeros(2, GRID, GRID, 2), truth(), elsewhere)["object"])


def test_boundary_is_both_sides_of_an_edge() -> None:
    marked = boundary(truth().layers)
    wanted = torch.tensor([[0, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]).bool()
    assert torch.equal(marked, wanted)


def test_tracks_are_read_between_cells() -> None:
    """Halfway between a cell that goes 3 px and one that rests, the field goes 1.5 px."""
    tracks = make_tracks(one_track(4.0, 1.0), SIZE)
    assert track_error(truth().displacement, tracks) == pytest.approx(1.5)
    assert track_error(truth().displacement, make_tracks(one_track(1.0, 1.0), SIZE)) == 0.0


def test_tracks_invisible_at_the_start_do_not_count() -> None:
    tracks = make_tracks(one_track(1.0, 1.0), SIZE, visible=torch.tensor([[False], [True]]))
    assert math.isnan(track_error(truth().displacement, tracks))


def test_reading_a_linear_field_is_exact() -> None:
    axis = (torch.arange(GRID) + 0.5) * 2
    x, y = torch.meshgrid(axis, axis, indexing="xy")
    field = torch.stack([2 * x - y, x + y], dim=-1)[None]
    points = torch.tensor([[2.0, 3.0], [4.5, 6.25]])
    px, py = points.unbind(-1)
    wanted = torch.stack([2 * px - py, px + py], dim=-1)[None]
    assert torch.allclose(read_field(field, points, SIZE), wanted, atol=1e-5)


def test_visible_accuracy() -> None:
    visible = truth().visible.float()
    visible[1, 0] = 0.2
    assert visible_accuracy(visible, truth()) == pytest.approx(12 / 16)


def test_fields_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="field must be"):
        dense_errors(torch.zeros(2, 3, 3, 2), truth(), make_tracks(one_track(1, 1), SIZE))


def test_psnr_by_hand() -> None:
    """An error of 0.1 everywhere is 20 dB."""
    video = torch.full((2, 16, 16, 3), 0.5)
    assert psnr(video + 0.1, video) == pytest.approx(20.0, abs=1e-5)
    assert psnr(video, video) == 100.0


def test_ssim_against_scikit_image() -> None:
    from skimage.metrics import structural_similarity

    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(2, 32, 40, 3, generator=generator)
    video = (truth + 0.1 * torch.randn(2, 32, 40, 3, generator=generator)).clamp(0, 1)
    words = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    theirs = [
        structural_similarity(a.numpy(), b.numpy(), data_range=1.0, channel_axis=-1, **words)
        for a, b in zip(video, truth, strict=True)
    ]
    assert ssim(video, truth) == pytest.approx(sum(theirs) / 2, abs=5e-3)
    assert ssim(truth, truth) == pytest.approx(1.0, abs=1e-5)


def test_videos_of_different_shapes_are_refused() -> None:
    for measure in (psnr, ssim):
        with pytest.raises(ShapeError, match="one shape"):
            measure(torch.zeros(2, 8, 8, 3), torch.zeros(3, 8, 8, 3))
