"""The draft's motion as a field: it moves as the draft draws."""

from __future__ import annotations

import pytest
import torch

from motion_core.draft import LAYERED, draft
from motion_core.draft.densifier import LayeredDensifier
from motion_core.fields.render import render_field
from motion_core.geometry import Size
from motion_core.tracks import make_tracks
from tests.lite.models import picture

SIZE = Size(64, 64)


def line(starts: list[list[float]], step: tuple[float, float], frames: int = 5) -> torch.Tensor:
    return torch.tensor(starts) + torch.arange(frames).view(-1, 1, 1) * torch.tensor(step)


def test_a_panned_picture_is_drafted_as_a_pan() -> None:
    everywhere = [[x, y] for x in (6.0, 24.0, 42.0, 58.0) for y in (6.0, 24.0, 42.0, 58.0)]
    tracks = make_tracks(line(everywhere, (2.0, -1.0)), SIZE)
    field = LayeredDensifier(Size(16, 16))(picture(*SIZE), tracks)
    wanted = torch.arange(5).view(-1, 1, 1, 1) * torch.tensor([2.0, -1.0])
    torch.testing.assert_close(field.displacement, wanted.expand(5, 16, 16, 2), atol=0.05, rtol=0)


def test_the_field_moves_as_the_draft_draws() -> None:
    """A square on a plain ground, dragged: drawn by its field it looks as the draft does."""
    image = torch.full((64, 64, 3), 0.2)
    image[20:40, 20:40] = torch.tensor([0.9, 0.5, 0.3])
    drag = line([[25.0, 25.0], [35.0, 25.0], [25.0, 35.0], [35.0, 35.0]], (3.0, 0.0))
    pins = line([[5.0, 5.0], [58.0, 5.0], [5.0, 58.0], [58.0, 58.0]], (0.0, 0.0))
    tracks = make_tracks(torch.cat([drag, pins], dim=1), SIZE)
    field = LayeredDensifier(Size(32, 32))(image, tracks)
    assert field.displacement[-1, 15, 15, 0] == pytest.approx(12.0, abs=0.5)
    assert field.displacement[-1, 2, 2].abs().max() < 0.01
    drawn, _ = render_field(image, field)
    apart = (drawn[-1] - draft(image, tracks, method=LAYERED)[-1]).abs().mean()
    moved = (image - draft(image, tracks, method=LAYERED)[-1]).abs().mean()
    assert apart < 0.3 * moved


def test_without_tracks_it_rests() -> None:
    none = make_tracks(torch.zeros(5, 0, 2), SIZE)
    assert not LayeredDensifier(Size(16, 16))(picture(*SIZE), none).displacement.any()
