"""Space-time slices of pictures and tracks whose motion is known."""

from __future__ import annotations

import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.tracks import grid_points, make_tracks
from motion_core.transfer import SliceLine, busiest_line, slice_picture
from motion_core.transfer.slices import CURVE_COLOR, GAP_PX, MOMENT_PX

SIZE = Size(60, 40)
FRAMES = 8


def shifted(step: tuple[float, float]):
    """A grid over the canvas that moves by `step` every frame."""
    moved = torch.arange(FRAMES)[:, None, None] * torch.tensor(step)
    return make_tracks(grid_points(SIZE, 5.0) + moved, SIZE)


def stripe_video(step: int) -> torch.Tensor:
    """One bright column at x = 10, moving to the right."""
    video = torch.zeros(FRAMES, 40, 60, 3)
    for frame in range(FRAMES):
        video[frame, :, 10 + step * frame] = 1
    return video


def panels(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    width = FRAMES * MOMENT_PX
    return picture[:, :width], picture[:, width + GAP_PX :]


def peaks(panel: torch.Tensor) -> list[int]:
    """Where each moment is brightest along the line."""
    return panel[:, ::MOMENT_PX, 0].argmax(dim=0).tolist()


def test_a_slice_shows_the_video_before_and_the_picture_carried_after() -> None:
    line = SliceLine(0.0, 20.0, 60.0, 20.0)
    picture = slice_picture(shifted((1.0, 0.0)), shifted((4.0, 0.0)), line, stripe_video(1))
    assert picture.shape == (60, 2 * FRAMES * MOMENT_PX + GAP_PX, 3)
    before, after = panels(picture)
    assert peaks(before) == [10 + t for t in range(FRAMES)]
    assert peaks(after) == [10 + 4 * t for t in range(FRAMES)]


def test_a_single_picture_is_carried_in_both_panels() -> None:
    line = SliceLine(0.0, 20.0, 60.0, 20.0)
    still = stripe_video(1)[:1]
    before, _ = panels(slice_picture(shifted((2.0, 0.0)), shifted((4.0, 0.0)), line, still))
    assert peaks(before) == [10 + 2 * t for t in range(FRAMES)]


def test_without_a_picture_tracks_are_curves() -> None:
    tracks = make_tracks(torch.tensor([[30.2, 5.5 + t] for t in range(FRAMES)])[:, None], SIZE)
    line = SliceLine(30.0, 0.0, 30.0, 40.0)
    before, _ = panels(slice_picture(tracks, tracks, line))
    for frame in range(FRAMES):
        column = before[:, frame * MOMENT_PX]
        assert torch.nonzero(column[:, 0] == CURVE_COLOR[0]).flatten().tolist() == [5 + frame]
    far = SliceLine(5.0, 0.0, 5.0, 40.0)
    assert slice_picture(tracks, tracks, far)[:, : FRAMES * MOMENT_PX].max() < 0.1


def test_steep_curves_are_unbroken_and_gaps_are_not_bridged() -> None:
    rows = [5.5, 15.5, 8.5, 8.5, 30.5, 30.5, 12.5, 12.5]
    visible = torch.tensor([True, True, True, True, True, False, True, True])[:, None]
    xy = torch.tensor([[30.2, y] for y in rows])[:, None]
    xy[5] = 3e38
    tracks = make_tracks(xy, SIZE, visible=visible)
    before, _ = panels(slice_picture(tracks, tracks, SliceLine(30.0, 0.0, 30.0, 40.0)))
    marked = before[:, ::MOMENT_PX, 0] == CURVE_COLOR[0]
    found = [torch.nonzero(column).flatten().tolist() for column in marked.T]
    up_to = [range(5, 6), range(6, 16), range(8, 15), range(8, 9), range(9, 31)]
    assert found == [*map(list, up_to), [], [12], [12]]


def test_the_busiest_line_lies_along_the_motion_where_it_is() -> None:
    xy = grid_points(SIZE, 5.0).repeat(FRAMES, 1, 1)
    right = xy[0, :, 0] > 45
    down = xy.clone()
    down[1:, right, 1] += 3
    line = busiest_line(make_tracks(down, SIZE))
    assert line.x0 == line.x1 > 45
    assert (line.y0, line.y1) == (0, 40)
    across = xy.clone()
    across[1:, xy[0, :, 1] < 8, 0] += 2
    line = busiest_line(make_tracks(across, SIZE))
    assert line.y0 == line.y1 < 8
    assert busiest_line(make_tracks(torch.zeros(0, 0, 2), SIZE)).y0 == 20


def test_what_does_not_belong_together_is_refused() -> None:
    line, tracks = SliceLine(0.0, 1.0, 60.0, 1.0), shifted((1.0, 0.0))
    with pytest.raises(ShapeError, match="video has 3 frames but the tracks have 8"):
        slice_picture(tracks, tracks, line, stripe_video(1)[:3])
    with pytest.raises(CanvasError, match="video is 30x40 but the tracks are on 60x40"):
        slice_picture(tracks, tracks, line, stripe_video(1)[:, :, :30])
    with pytest.raises(CanvasError, match="one canvas"):
        slice_picture(tracks, make_tracks(tracks.xy, Size(9, 9)), line)
    with pytest.raises(ValueError, match="no frames"):
        none = make_tracks(torch.zeros(0, 2, 2), SIZE)
        slice_picture(none, none, line)
    with pytest.raises(ValueError, match="at least a pixel long"):
        SliceLine(1.0, 1.0, 1.2, 1.0)


def test_tracks_that_all_vanish_leave_the_picture_where_it_was() -> None:
    tracks = shifted((3.0, 0.0))
    visible = torch.ones(FRAMES, tracks.num_points, dtype=torch.bool)
    visible[5:] = False
    hidden = make_tracks(tracks.xy, SIZE, visible=visible)
    line = SliceLine(0.0, 20.0, 60.0, 20.0)
    _, after = panels(slice_picture(hidden, hidden, line, stripe_video(1)[:1]))
    assert peaks(after)[4:6] == [22, 10]
