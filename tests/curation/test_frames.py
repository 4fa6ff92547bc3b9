"""Clips at even times of videos at any rate, turned and cropped right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion_core.curation.cuts import timeline_of
from motion_core.curation.frames import ROUNDING_S, clips_of, fitted, shown_frames, timed_frames
from motion_core.curation.settings import CurationSettings
from motion_core.curation.sources import Source
from motion_core.errors import MissingExtraError
from motion_core.geometry import Size

from .videos import number_of, numbered, panned, texture, write_mp4


def clips(path: Path, **settings) -> list:
    source = Source(path.name, path)
    chosen = CurationSettings(**({"size": Size(64, 64), "cuts": "none"} | settings))
    timeline = timeline_of(source, chosen.cuts)
    with source.open() as video:
        return list(clips_of(video, timeline.starts, timeline.last_s, chosen))


def test_the_frame_that_is_shown_at_each_time_is_taken(tmp_path: Path) -> None:
    # 30 fps read at 16 fps: frame floor(k * 30 / 16).
    path = write_mp4(tmp_path / "a.mp4", numbered(30), 30.0)
    (clip,) = clips(path, frames=16, stride=16)
    assert [number_of(one) for one in clip.pictures] == [k * 30 // 16 for k in range(16)]


def test_uneven_times_are_followed(tmp_path: Path) -> None:
    # Held for half a second, then ten frames in a quarter, then slow again.
    times = [0.0, *(0.5 + 0.025 * k for k in range(10)), 0.75, 0.875, 1.0]
    path = write_mp4(tmp_path / "a.mp4", numbered(len(times)), 16.0, times=times)
    (clip,) = clips(path, frames=16, stride=16, fps=16.0)
    wanted = [max(i for i, t in enumerate(times) if t <= k / 16 + 2e-3) for k in range(16)]
    assert [number_of(one) for one in clip.pictures] == wanted
    assert wanted[:9] == [0] * 8 + [1]  # the held frame fills half of the clip


def test_slower_videos_repeat_frames(tmp_path: Path) -> None:
    path = write_mp4(tmp_path / "a.mp4", numbered(8), 4.0)
    first, second = clips(path, frames=16, stride=16)
    assert [number_of(one) for one in first.pictures] == [k // 4 for k in range(16)]
    assert [number_of(one) for one in second.pictures] == [4 + k // 4 for k in range(16)]


@pytest.mark.parametrize(("stride", "starts"), [(4, [0, 4, 8, 12]), (8, [0, 8]), (11, [0, 11])])
def test_stride(tmp_path: Path, stride: int, starts: list[int]) -> None:
    path = write_mp4(tmp_path / "a.mp4", numbered(20), 16.0)
    found = clips(path, frames=8, stride=stride)
    assert [number_of(clip.pictures[0]) for clip in found] == starts
    assert [number_of(clip.pictures[-1]) for clip in found] == [start + 7 for start in starts]
    assert [clip.start_s * 16 for clip in found] == pytest.approx(starts)


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_turned_videos_are_upright(tmp_path: Path, rotation: int, turns: int) -> None:
    picture = texture(3, 64, 96)
    stored = np.rot90(picture, -turns)
    path = write_mp4(tmp_path / "a.mp4", np.stack([stored] * 8), 16.0, rotation=rotation)
    (clip,) = clips(path, frames=8, stride=8, size=Size(96, 64))
    assert clip.source_size == Size(96, 64)
    assert np.abs(clip.pictures[0].astype(int) - picture).mean() < 8


def test_the_middle_is_cropped_to_the_proportions() -> None:
    picture = texture(0, 96, 128)
    assert np.array_equal(fitted(picture, Size(96, 96)), picture[:, 16:112])
    assert np.array_equal(fitted(picture, Size(128, 64)), picture[16:80])
    smaller = fitted(picture, Size(48, 48)).astype(float)
    blocks = picture[:, 16:112].reshape(48, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(smaller - blocks).max() <= 0.5


def test_a_scene_begins_at_its_own_first_frame() -> None:
    frames = ((index / 10, np.full((1, 1, 3), index, np.uint8)) for index in range(10))
    shown = list(shown_frames(frames, 10.0, (0.0, 0.4), 0.1))
    assert [(scene, number, int(p[0, 0, 0])) for scene, number, p in shown] == [
        *((0, k, k) for k in range(4)),
        *((1, k, 4 + k) for k in range(6)),
    ]


def test_cuts_part_scenes(tmp_path: Path) -> None:
    pytest.importorskip("scenedetect")
    scenes = [panned(seed, 20, 0.5) for seed in (1, 2, 3)]
    path = write_mp4(tmp_path / "a.mp4", np.concatenate(scenes), 16.0)
    for detector in ("adaptive", "content"):
        timeline = timeline_of(Source("a", path), detector)
        assert timeline.starts == pytest.approx((0.0, 1.25, 2.5))
    found = clips(path, frames=8, stride=8, cuts="adaptive", size=Size(128, 96))
    assert [clip.scene for clip in found] == [0, 0, 1, 1, 2, 2]
    for clip in found:
        wanted = scenes[clip.scene][round((clip.start_s - clip.scene * 1.25) * 16)]
        assert np.abs(clip.pictures[0].astype(int) - wanted).mean() < 8


def test_without_pyscenedetect_the_error_names_the_extra(tmp_path: Path, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scenedetect", None)
    path = write_mp4(tmp_path / "a.mp4", numbered(4))
    with pytest.raises(MissingExtraError, match=r"curation.*--cuts none"):
        timeline_of(Source("a", path), "adaptive")


def test_times_never_run_backwards(tmp_path: Path) -> None:
    path = write_mp4(tmp_path / "a.mp4", numbered(5), 16.0)
    with Source("a", path).open() as video:
        times = [time for time, _ in timed_frames(video)]
    assert times == pytest.approx([k / 16 for k in range(5)])


@pytest.mark.parametrize("seed", range(40))
def test_any_times_any_rate_and_any_scenes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 40))
    times = np.round(np.cumsum(rng.exponential(0.05, count)), 3)
    times -= times[0]
    fps, last = float(rng.choice([5, 12.5, 16, 29.97, 60])), 0.04
    chosen = rng.random(count) < 0.15
    starts = sorted({0.0, *times[chosen].tolist()})
    frames = [(float(t), np.full((1, 1, 3), i, np.uint8)) for i, t in enumerate(times)]
    found = [(s, k, int(p[0, 0, 0])) for s, k, p in shown_frames(iter(frames), fps, starts, last)]
    # Frame by frame: the last one that is due, of the same scene, at each time before the next.
    wanted = []
    for scene, start in enumerate(starts):
        end = starts[scene + 1] if scene + 1 < len(starts) else times[-1] + last
        due = start + np.arange(int((end - start) * fps) + 2) / fps
        for number, moment in enumerate(due[due < end - ROUNDING_S]):
            shown = [
                i for i, t in enumerate(times) if start <= t <= moment + ROUNDING_S and t < end
            ]
            wanted.append((scene, number, shown[-1]))
    assert found == wanted
