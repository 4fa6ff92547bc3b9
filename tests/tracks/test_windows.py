"""Windows of a long clip: they cover it, agree where they overlap, and join to the whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.tracks import (
    Tracks,
    Window,
    join_frames,
    make_tracks,
    plan_windows,
    tracks_in_window,
)

SIZE = Size(64, 48)


def wandering(frames: int, points: int = 12, seed: int = 0) -> Tracks:
    """Tracks that appear, hide, and leave the canvas at any time."""
    draw = torch.Generator().manual_seed(seed)
    steps = torch.randn(frames, points, 2, generator=draw) * 4
    xy = torch.rand(points, 2, generator=draw) * torch.tensor(SIZE) + steps.cumsum(0)
    visible = torch.rand(frames, points, generator=draw) > 0.3
    return make_tracks(xy, SIZE, visible=visible, ids=torch.arange(points) * 7 + 3)


def rejoined(parts: list[Tracks], plan: tuple[Window, ...], whole: Tracks) -> Tracks:
    """Positions of every track put back frame by frame, by id; frames without one are invisible."""
    xy = torch.full_like(whole.xy, torch.nan)
    visible = torch.zeros_like(whole.visible)
    place = {int(one): column for column, one in enumerate(whole.ids)}
    for part, window in zip(parts, plan, strict=True):
        for column, one in enumerate(part.ids):
            for frame in range(window.length):
                at, spot = window.start + frame, place[int(one)]
                if part.visible[frame, column]:
                    known = xy[at, spot]
                    assert known.isnan().all() or torch.equal(known, part.xy[frame, column])
                    xy[at, spot] = part.xy[frame, column]
                    visible[at, spot] = True
    return make_tracks(xy.nan_to_num(), whole.size, visible=visible, ids=whole.ids)


@given(st.integers(1, 400), st.integers(2, 90), st.data())
def test_windows_cover_the_clip_and_overlap(frames: int, length: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(1, length - 1))
    plan = plan_windows(frames, length, overlap)
    assert plan[0].start == 0 and plan[0].overlap == 1 and plan[-1].stop == frames
    covered = set().union(*(range(one.start, one.stop) for one in plan))
    assert covered == set(range(frames))
    for before, after in zip(plan, plan[1:], strict=False):
        assert after.length == before.length == length
        assert before.stop - after.start == after.overlap >= overlap
        assert after.stop > before.stop
    if all(number % 4 == 1 for number in (frames, length, overlap)):
        assert all(one.overlap % 4 == 1 for one in plan), "whole latent frames"


@pytest.mark.parametrize("keep", ["all", "in overlap", "at start"])
@pytest.mark.parametrize(("frames", "length", "overlap"), [(33, 17, 5), (40, 9, 1), (29, 13, 9)])
def test_windows_together_are_the_tracks_of_the_clip(
    keep: str, frames: int, length: int, overlap: int
) -> None:
    whole = wandering(frames)
    plan = plan_windows(frames, length, overlap)
    parts = [tracks_in_window(whole, one, keep) for one in plan]
    back = rejoined(parts, plan, whole)
    shown = back.visible
    assert torch.equal(back.xy[shown], whole.xy[shown])
    if keep == "all":
        assert torch.equal(shown, whole.visible)
    else:
        assert not (shown & ~whole.visible).any() and shown.any()


def test_a_track_that_is_born_is_carried_from_the_next_window_on() -> None:
    visible = torch.ones(17, 3, dtype=torch.bool)
    visible[:7, 1] = False  # born in frame 7, within window 0, in the overlap of window 1
    visible[10:, 2] = False  # ends in frame 9
    xy = torch.tensor([8.0, 9.0]) + torch.arange(17)[:, None, None].expand(17, 3, 2)
    whole = make_tracks(xy, SIZE, visible=visible)
    first, second = plan_windows(17, 9, 1)[0], plan_windows(17, 9, 3)[1]
    assert (second.start, second.overlap) == (6, 3)
    assert tracks_in_window(whole, first).ids.tolist() == [0, 2]
    assert tracks_in_window(whole, second).ids.tolist() == [0, 1, 2]
    assert tracks_in_window(whole, second, "at start").ids.tolist() == [0, 2]
    ended = tracks_in_window(whole, second).visible[:, 2]
    assert ended.tolist() == [True] * 4 + [False] * 5


def test_a_track_off_the_canvas_at_the_start_has_nothing_to_carry() -> None:
    xy = torch.full((9, 1, 2), -3.0)
    xy[3:] = 5.0
    part = tracks_in_window(make_tracks(xy, SIZE), Window(0, 9, 3))
    assert part.num_points == 0


def test_frames_join_with_and_without_a_blend() -> None:
    clip = torch.arange(10.0).view(10, 1, 1, 1).expand(10, 2, 3, 3)
    assert torch.equal(join_frames(clip[:6], clip[3:], 3), clip)
    calls: list[tuple[int, int]] = []
    join_frames(clip[:6], clip[3:], 3, progress=lambda *call: calls.append(call))
    assert calls == [(number + 1, len(clip)) for number in range(len(clip))]
    before, after = torch.zeros(4, 1, 1, 3), torch.ones(4, 1, 1, 3)
    faded = join_frames(before, after, 3, blend=2)[:, 0, 0, 0]
    torch.testing.assert_close(faded, torch.tensor([0, 0, 1 / 3, 2 / 3, 1.0]))
    assert (before == 0).all(), "nothing is edited in place"


def test_what_is_impossible_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap must be 8 or less; got 9"):
        plan_windows(33, 9, 9)
    with pytest.raises(ShapeError, match="ends with frame 40 but the tracks have 33"):
        tracks_in_window(wandering(33), Window(31, 40, 1))
    with pytest.raises(ValueError, match="'at start', 'in overlap' or 'all'; got 'some'"):
        tracks_in_window(wandering(33), Window(0, 9, 1), "some")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="differ in size"):
        join_frames(torch.zeros(4, 2, 2, 3), torch.zeros(4, 2, 3, 3), 1)
    with pytest.raises(ValueError, match="blend must be 1 or less"):
        join_frames(torch.zeros(4, 2, 2, 3), torch.zeros(4, 2, 2, 3), 1, 2)
