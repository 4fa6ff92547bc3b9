from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, FormatError, MissingExtraError, ShapeError
from motion_core.geometry import Size
from motion_core.trackers import (
    KINDS,
    LucasKanade,
    TrackingStopped,
    as_clip,
    grid_queries,
    make_tracker,
    mask_queries,
    point_queries,
    random_queries,
    track_queries,
)
from motion_core.trackers import clip as clip_module
from motion_core.tracks import make_tracks
from motion_core.video import write_video

from .scenes import Clip as Scene
from .scenes import Motion

SMALL = Scene(Motion((12.0, 4.0)), size=Size(96, 64), frames=7)
QUERIES = torch.tensor([[0.0, 40.5, 30.5], [3.0, 50.5, 20.5]])


class Cancelled(Exception):
    pass


def test_a_file_gives_what_memory_gives_in_both_directions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "clip.mp4", SMALL.video(), 24)
    clip = as_clip(tmp_path / "clip.mp4")
    assert (clip.num_frames, clip.size, clip.fps) == (7, SMALL.size, 24.0)
    monkeypatch.setattr(clip_module, "BACKWARD_BYTES", 3 * 96 * 64 * 2)
    forward = np.stack(list(clip.walk(0, 6)))
    assert (np.stack(list(clip.walk(6, 0))) == forward[::-1]).all()
    assert (np.stack(list(clip.walk(5, 2))) == forward[5:1:-1]).all()
    from_file = LucasKanade().track(clip, QUERIES)
    from_memory = LucasKanade().track(torch.from_numpy(forward), QUERIES)
    assert torch.equal(from_file.xy, from_memory.xy)
    assert from_file.fps == 24.0


def test_a_file_with_uneven_times_gives_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "uneven.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, time_ms in zip(SMALL.video(), (0, 33, 40, 140, 150, 400, 420), strict=True):
            frame = av.VideoFrame.from_ndarray(picture.numpy(), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert LucasKanade().track(path, QUERIES).num_frames == 7


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, SMALL.video(), 24)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(FormatError):
        LucasKanade().track(path, QUERIES)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_and_alpha_and_floats(channels: int) -> None:
    video = SMALL.video().float() / 255
    video = video[..., :1] if channels == 1 else video
    video = torch.cat([video, video[..., :1] * 0], -1) if channels == 4 else video
    found = LucasKanade().track(video, QUERIES)
    apart = (found.xy - SMALL.truth(QUERIES).xy).norm(dim=-1)
    assert float(apart.max()) < 0.5


@pytest.mark.parametrize("size", [Size(31, 17), Size(5, 3), Size(1, 1)])
@pytest.mark.parametrize("name", ["lucas_kanade", "flow_dis"])
def test_odd_and_tiny_pictures(size: Size, name: str) -> None:
    video = Scene(size=size, frames=3).video()
    found = make_tracker(name).track(video, grid_queries(size, 4))
    assert found.size == size
    assert bool(torch.isfinite(found.xy).all())


def test_one_frame_is_where_the_queries_are() -> None:
    found = LucasKanade().track(SMALL.video()[:1], QUERIES[:1])
    assert found.xy.tolist() == [[[40.5, 30.5]]]
    assert bool(found.visible.all())


def test_no_queries_give_no_tracks() -> None:
    found = LucasKanade().track(SMALL.video(), torch.zeros(0, 3))
    assert (found.num_frames, found.num_points) == (7, 0)


@pytest.mark.parametrize(
    "row", [[0, 96, 10], [0, -0.1, 10], [7, 5, 5], [-1, 5, 5], [0.5, 5, 5], [0, float("nan"), 5]]
)
def test_queries_outside_are_refused(row: list[float]) -> None:
    with pytest.raises(ValueError, match="query 1 is"):
        LucasKanade().track(SMALL.video(), torch.tensor([[0.0, 5.0, 5.0], row]))


def test_videos_that_are_none_are_refused() -> None:
    for bad in (torch.zeros(4, 4, 3), torch.zeros(0, 4, 4, 3), torch.zeros(2, 4, 4, 2)):
        with pytest.raises(ShapeError):
            as_clip(bad)
    with pytest.raises(ValueError, match="NaN"):
        LucasKanade().track(SMALL.video().float() * float("nan"), QUERIES)
    with pytest.raises(ShapeError):
        LucasKanade().track(SMALL.video(), torch.zeros(3, 2))


def test_work_can_be_stopped_both_ways() -> None:
    calls: list[tuple[int, int]] = []

    def cancel(done: int, total: int) -> None:
        calls.append((done, total))
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        LucasKanade().track(SMALL.video(), QUERIES, cancel)
    assert calls == [(1, 11), (2, 11), (3, 11)]
    with pytest.raises(TrackingStopped):
        LucasKanade().track(SMALL.video(), QUERIES, should_stop=lambda: True)


def test_ways_to_ask() -> None:
    size = Size(40, 20)
    assert grid_queries(size, 10, 2)[0].tolist() == [2.0, 5.0, 5.0]
    one, two = (random_queries(size, 50, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two) and bool((one[:, 1] < 40).all() and (one[:, 2] < 20).all())
    mask = torch.zeros(20, 40)
    mask[4:8, 10:14] = 1
    assert mask_queries(mask, size, 4.0, 1).tolist() == [[1.0, 12.0, 6.0]]
    assert point_queries([[1, 2]], 3).tolist() == [[3.0, 1.0, 2.0]]
    with pytest.raises(ValueError, match="empty"):
        mask_queries(mask * 0, size, 4.0)
    with pytest.raises(CanvasError):
        mask_queries(mask[:, :20], size, 4.0)
    with pytest.raises(ShapeError):
        point_queries(torch.zeros(2, 3))


def test_tracks_are_taken_up_where_they_are_visible() -> None:
    xy = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [99.0, 8.0]]])
    tracks = make_tracks(xy, Size(40, 20), ids=torch.tensor([7, 9]))
    queries, ids = track_queries(tracks, 1, Size(40, 20))
    assert (queries.tolist(), ids.tolist()) == ([[1.0, 5.0, 6.0]], [7])
    with pytest.raises(CanvasError):
        track_queries(tracks, 0, Size(41, 20))
    with pytest.raises(ValueError, match="beyond"):
        track_queries(tracks, 2, Size(40, 20))


def test_the_registry_says_what_is_missing(tmp_path: Path) -> None:
    able = {name for name, kind in KINDS.items() if not kind.missing(tmp_path)}
    assert able >= {"lucas_kanade", "flow_dis"}
    assert "cotracker3_offline" not in able
    with pytest.raises(MissingExtraError, match="scaled_offline.pth"):
        make_tracker("cotracker3_offline", tmp_path)
    assert {name for name, kind in KINDS.items() if "NC" in kind.licence} == {
        "cotracker3_offline",
        "cotracker3_online",
    }
    with pytest.raises(ValueError, match="no tracker 'best'"):
        make_tracker("best")
    with pytest.raises(ValueError, match="threshold"):
        make_tracker("lucas_kanade", threshold=1.5)
