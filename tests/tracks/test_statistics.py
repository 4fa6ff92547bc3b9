from __future__ import annotations

import pytest
import torch
from hypothesis import given

from motion_core.geometry import Size
from motion_core.tracks import Tracks, empty_tracks, make_tracks, static_tracks, summarize

from .clips import tracks_strategy

CANVAS = Size(100, 80)


def test_figures_of_a_clip_counted_by_hand() -> None:
    xy = torch.tensor(
        [
            [[10, 10], [50, 50], [99, 10]],
            [[13, 14], [50, 50], [109, 10]],
            [[13, 14], [90, 10], [119, 10]],
            [[19, 22], [50, 50], [129, 10]],
        ],
        dtype=torch.float32,
    )
    visible = torch.tensor([[1, 0, 1], [1, 1, 1], [1, 0, 1], [1, 1, 1]]).bool()
    summary = summarize(make_tracks(xy, CANVAS, visible=visible, fps=16))
    assert (summary.frames, summary.points, summary.size, summary.fps) == (4, 3, CANVAS, 16)
    assert summary.visible_share == pytest.approx(10 / 12)
    assert summary.inside_share == pytest.approx(7 / 10)
    assert summary.visible_at_start == 2
    # Paths: 5 + 0 + 10; the second is never visible in two frames running; 10 + 10 + 10.
    assert summary.mean_path == pytest.approx(45 / 3)
    assert summary.max_path == pytest.approx(30)
    assert summary.max_step == pytest.approx(10)
    text = "\n".join(summary.problems)
    assert "1 track appearing only after the first frame" in text
    assert "30.0% of the visible positions lie outside" in text
    assert "in one frame" not in text


@given(tracks=tracks_strategy())
def test_every_clip_has_a_summary_in_words(tracks: Tracks) -> None:
    summary = summarize(tracks)
    assert 0 <= summary.visible_share <= 1
    assert 0 <= summary.inside_share <= 1
    assert summary.mean_path <= summary.max_path + 1e-9
    assert summary.max_step <= summary.max_path + 1e-9
    lines = summary.to_text().splitlines()
    assert f"canvas {tracks.size}" in lines[0]
    assert len(lines) == 4 + len(summary.problems)


@pytest.mark.parametrize(
    ("tracks", "says"),
    [
        (empty_tracks(5, CANVAS), "no tracks"),
        (static_tracks([[5, 5]], 0, CANVAS), "no frames"),
        (static_tracks([[5, 5]], 9, CANVAS), "nothing moves"),
        (static_tracks([[0.5, 0.2], [0.9, 1]], 9, CANVAS), "look like fractions"),
        (static_tracks([[-5, 5]], 9, CANVAS), "100.0% of the visible positions lie outside"),
        (
            make_tracks(torch.zeros(3, 2, 2), CANVAS, visible=torch.zeros(3, 2)),
            "2 tracks never visible",
        ),
        (
            make_tracks(torch.tensor([[[0.0, 0.0]], [[60.0, 0.0]]]), CANVAS),
            "1 track moving more than 20 px in one frame",
        ),
    ],
)
def test_what_looks_wrong_is_reported(tracks: Tracks, says: str) -> None:
    assert any(says in problem for problem in summarize(tracks).problems)


def test_ordinary_motion_has_no_problems_and_one_frame_is_not_still() -> None:
    xy = torch.linspace(20, 60, 9)[:, None, None].expand(9, 1, 2)
    assert summarize(make_tracks(xy, CANVAS)).problems == ()
    assert summarize(make_tracks(xy[:1], CANVAS)).problems == ()
    assert "16 fps" in summarize(make_tracks(xy, CANVAS, fps=16)).to_text()


def test_a_clip_in_the_corner_of_a_large_canvas_is_noted() -> None:
    xy = torch.full((4, 20, 2), 0.5)
    xy[2, 3] = torch.tensor([2.6, 0.5])
    assert "within 3 px of the corner" in "".join(summarize(make_tracks(xy, CANVAS)).problems)
    xy[:, 10:] += 40
    assert "corner" not in "".join(summarize(make_tracks(xy, CANVAS)).problems)
    assert "corner" not in "".join(summarize(make_tracks(xy[:, :9], Size(8, 8))).problems)
