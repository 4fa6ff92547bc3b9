"""MotionField at any resolution, and rendered at any resolution."""

from __future__ import annotations

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.fields.motion_field import MotionField, field_on_canvas, grid_centres
from motion_core.fields.render import render_field
from motion_core.geometry import Size
from tests.lite.models import picture

SIZE = Size(96, 64)


def panned(grid: Size, shift: tuple[float, float]) -> MotionField:
    displacement = torch.zeros(2, grid.height, grid.width, 2)
    displacement[1] = torch.tensor(shift)
    return field_on_canvas(displacement, SIZE)


def test_centres_lie_in_the_middle_of_the_cells() -> None:
    centres = grid_centres(Size(3, 2), SIZE)
    assert centres[0, 0].tolist() == [16, 16] and centres[1, 2].tolist() == [80, 48]
    assert panned(Size(3, 2), (0, 0)).grid == Size(3, 2)


@pytest.mark.parametrize("grid", [Size(16, 16), Size(24, 16), SIZE], ids=str)
def test_a_pan_is_drawn_alike_at_every_resolution(grid: Size) -> None:
    image = picture(*SIZE)
    frames, holes = render_field(image, panned(grid, (7.0, -4.0)))
    assert torch.equal(frames[0], image)
    torch.testing.assert_close(frames[1, :-4, 7:], image[4:, :-7], atol=1e-5, rtol=0)
    assert bool((holes[1, :, :6] == 1).all())


def test_a_field_of_one_cell_per_pixel_moves_single_pixels() -> None:
    image = torch.full((64, 96, 3), 0.2)
    image[20:44, 20:44] = torch.tensor([0.9, 0.1, 0.1])
    displacement = torch.zeros(2, 64, 96, 2)
    displacement[1, 20:44, 20:44, 0] = 30.0
    frames, holes = render_field(image, field_on_canvas(displacement, SIZE))
    torch.testing.assert_close(frames[1, 22:42, 52:72], image[22:42, 22:42], atol=1e-3, rtol=0)
    assert float(holes[1, 26:38, 24:40].min()) == 1
    torch.testing.assert_close(frames[1, :10], image[:10])


def test_parts_that_do_not_belong_together_are_refused() -> None:
    displacement, visible = torch.zeros(2, 4, 6, 2), torch.ones(2, 4, 6)
    with pytest.raises(ShapeError, match="T, rows, columns, 2"):
        MotionField(displacement[0], visible, visible[0], SIZE)
    with pytest.raises(ShapeError, match="visible must be"):
        MotionField(displacement, visible[:1], visible[0], SIZE)
    with pytest.raises(ShapeError, match="confidence must be"):
        MotionField(displacement, visible, visible, SIZE)
    with pytest.raises(ValueError, match="finite"):
        MotionField(displacement / 0, visible, visible[0], SIZE)
