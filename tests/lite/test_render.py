"""Rendering a field: exact where it can be, holes where it must."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError
from motion_core.geometry import Size
from motion_core.models.lite.field import MotionField, resting_field
from motion_core.models.lite.render import render_field
from motion_core.models.lite.splat import splat

from .models import picture

SIZE = Size(96, 64)


def field_of(displacement: torch.Tensor) -> MotionField:
    frames, grid = displacement.shape[:2]
    return MotionField(displacement, torch.ones(frames, grid, grid), torch.ones(grid, grid), SIZE)


def test_rest_is_the_picture_bit_for_bit() -> None:
    image = picture(*SIZE)
    frames, holes = render_field(image, resting_field(3, 16, SIZE))
    assert all(torch.equal(frame, image) for frame in frames)
    assert not holes.any()


def test_a_pan_by_whole_pixels_moves_the_picture() -> None:
    image = picture(*SIZE)
    shift = torch.zeros(2, 16, 16, 2)
    shift[1] = torch.tensor([7.0, -4.0])
    frames, holes = render_field(image, field_of(shift))
    torch.testing.assert_close(frames[1, :-4, 7:], image[4:, :-7], atol=1e-5, rtol=0)
    assert bool((holes[1, :-4, 7:] < 1e-3).all())
    assert bool((holes[1, :, :6] == 1).all())


def test_what_moves_lies_over_what_rests_and_leaves_a_hole() -> None:
    image = torch.full((64, 96, 3), 0.2)
    image[20:44, 20:44] = torch.tensor([0.9, 0.1, 0.1])
    shift = torch.zeros(2, 32, 32, 2)
    x = (torch.arange(32) + 0.5) * 3
    y = (torch.arange(32) + 0.5) * 2
    inside = ((y > 20) & (y < 44))[:, None] & ((x > 20) & (x < 44))[None]
    shift[1, inside] = torch.tensor([30.0, 0.0])
    frames, holes = render_field(image, field_of(shift))
    assert float(frames[1, 32, 62, 0]) == pytest.approx(0.9, abs=0.02)
    assert float(holes[1, 26:38, 24:40].min()) == 1
    assert float((frames[1, 26:38, 24:40] - 0.2).abs().max()) < 0.15
    torch.testing.assert_close(frames[1, :10], image[:10])


def test_progress_is_told_and_may_stop() -> None:
    told: list[tuple[int, int]] = []
    render_field(picture(*SIZE), resting_field(3, 8, SIZE), lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        render_field(picture(*SIZE), resting_field(3, 8, SIZE), stop)


def test_a_field_of_another_picture_is_refused() -> None:
    with pytest.raises(CanvasError):
        render_field(picture(64, 64), resting_field(3, 8, SIZE))


def test_splat_equals_a_loop() -> None:
    rng = np.random.default_rng(0)
    colours, at = rng.random((3, 20), np.float32), rng.uniform(-2, 9, (2, 20)).astype(np.float32)
    weight = rng.uniform(0.1, 1, (2, 20)).astype(np.float32)
    mean, coverage = splat(colours, at, weight, (6, 7))
    sums, mass, cover = np.zeros((6, 7, 3)), np.zeros((6, 7)), np.zeros((6, 7))
    for one in range(20):
        for row in range(6):
            for column in range(7):
                across = max(0.0, 1 - abs(at[0, one] - column - 0.5))
                along = max(0.0, 1 - abs(at[1, one] - row - 0.5))
                share = across * along
                sums[row, column] += share * weight[0, one] * colours[:, one]
                mass[row, column] += share * weight[0, one]
                cover[row, column] += share * weight[1, one]
    np.testing.assert_allclose(coverage, cover, atol=1e-5)
    hit = mass > 1e-4
    np.testing.assert_allclose(mean[hit], sums[hit] / mass[hit][:, None], atol=1e-3)
