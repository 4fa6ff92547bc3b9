"""Rendering a field: exact where it can be, holes where it must."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError
from motion_core.fields.motion_field import MotionField, resting_field
from motion_core.fields.render import render_field
from motion_core.fields.splat import splat
from motion_core.fields.upsample import Upsampler
from motion_core.geometry import Size
from tests.lite.models import picture

SIZE = Size(96, 64)


def field_of(displacement: torch.Tensor) -> MotionField:
    frames, grid = displacement.shape[:2]
    return MotionField(displacement, torch.ones(frames, grid, grid), torch.ones(grid, grid), SIZE)


def test_rest_is_the_picture_bit_for_bit() -> None:
    image = picture(*SIZE)
    frames, holes = render_field(image, resting_field(3, Size(16, 16), SIZE))
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


def test_progress_is_called_per_frame_and_may_stop() -> None:
    calls: list[tuple[int, int]] = []
    still = resting_field(3, Size(8, 8), SIZE)
    render_field(picture(*SIZE), still, lambda *done: calls.append(done))
    assert calls == [(1, 3), (2, 3), (3, 3)]

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        render_field(picture(*SIZE), still, stop)


def test_a_field_of_another_picture_is_refused() -> None:
    with pytest.raises(CanvasError):
        render_field(picture(64, 64), resting_field(3, Size(8, 8), SIZE))


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
                overlap = across * along
                sums[row, column] += overlap * weight[0, one] * colours[:, one]
                mass[row, column] += overlap * weight[0, one]
                cover[row, column] += overlap * weight[1, one]
    np.testing.assert_allclose(coverage, cover, atol=1e-5)
    hit = mass > 1e-4
    np.testing.assert_allclose(mean[hit], sums[hit] / mass[hit][:, None], atol=1e-3)


def test_upsampling_keeps_what_changes_evenly_and_goes_with_colours_at_a_step() -> None:
    image = np.full((64, 96, 3), 0.2, np.float32)
    image[:, 47:] = 0.8
    x = ((np.arange(16, dtype=np.float32) + 0.5) * 6)[None, :, None]
    even = np.broadcast_to(np.concatenate([0.3 * x, -0.1 * x], -1), (16, 16, 2)).copy()
    raised = Upsampler(image, even[None])(even)
    pixel = (np.arange(96, dtype=np.float32) + 0.5)[None, 3:-3, None]
    wanted = np.broadcast_to(np.concatenate([0.3 * pixel, -0.1 * pixel], -1), (64, 90, 2))
    np.testing.assert_allclose(raised[:, 3:-3], wanted, atol=1e-3)
    # The border in the picture lies one pixel beside that of the cells.
    step = np.zeros((16, 16, 2), np.float32)
    step[:, 8:] = (12.0, 4.0)
    raised = Upsampler(image, np.stack([0 * step, step]))(step)
    assert float(np.abs(raised[:, :45]).max()) < 0.5
    assert float(np.abs(raised[:, 50:] - (12.0, 4.0)).max()) < 0.5


def test_what_stretches_has_no_cracks() -> None:
    """A red block drawn out to almost three times its width over a white ground."""
    size = Size(384, 256)
    image = torch.ones(256, 384, 3)
    image[80:176, 80:176] = torch.tensor([0.8, 0.1, 0.1])
    x, y = (torch.arange(32) + 0.5) * 12, (torch.arange(32) + 0.5) * 8
    inside = ((y > 80) & (y < 176))[:, None] & ((x > 80) & (x < 176))[None]
    shift = torch.zeros(2, 32, 32, 2)
    shift[1, ..., 0] = torch.where(inside, 1.7 * (x - 72)[None].clamp(min=0), 0)
    ones = torch.ones(2, 32, 32)
    frames, holes = render_field(image, MotionField(shift, ones, ones[0], size))
    white = (frames[1, 96:160, 110:290, 1] > 0.6).float().mean()
    assert float(white) < 0.01, "white shows through the red"
    assert float(holes[1, 96:160, 110:290].max()) < 0.1
