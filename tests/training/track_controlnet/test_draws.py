"""Which tracks a step shows: numbers of every regime, and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError, ShapeError
from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks
from motion_core.training.track_controlnet.batches import FrameRule, StepBatches, collate
from motion_core.training.track_controlnet.clips import FolderClips, digest_of, open_clips
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.track_controlnet.draws import TrackDraw, window_start

from .squares import FRAMES, Squares, write_squares

CONFIG = TrackControlNetConfig(steps=8, workers=0, no_text=0.5)


def grid(count: int = 3000, frames: int = 6) -> Tracks:
    start = torch.rand(count, 2, generator=torch.Generator().manual_seed(0)) * 64
    return make_tracks(start.expand(frames, count, 2).contiguous(), Size(64, 64))


@pytest.mark.parametrize(
    ("regime", "least", "most"),
    [("dense", 1000, 2000), ("sparse", 1, 8), ("dense+sparse", 1, 8192)],
)
def test_the_number_of_tracks_is_the_regimes(regime: str, least: int, most: int) -> None:
    rng, draw = np.random.default_rng(0), TrackDraw(regime)
    counts = np.array([draw.count(rng) for _ in range(20_000)])
    assert counts.min() == least and counts.max() >= 0.99 * most and counts.max() <= most
    if regime == "dense+sparse":
        # Log-uniform: an octave of 13 has as many as any other.
        share = np.histogram(np.log2(counts + 0.5), bins=[4, 5, 6, 7, 8])[0] / len(counts)
        assert share == pytest.approx(1 / 13, rel=0.12)
    else:
        assert counts.mean() == pytest.approx((least + most) / 2, rel=0.02)


def test_tracks_that_are_never_visible_are_not_drawn() -> None:
    tracks = grid(40)
    tracks.visible[:, 10:] = False
    drawn = TrackDraw("dense").draw(np.random.default_rng(1), tracks)
    assert drawn.ids.tolist() == tracks.ids[:10].tolist()
    few = TrackDraw("sparse").draw(np.random.default_rng(1), tracks)
    assert 1 <= few.num_points <= 8 and set(few.ids.tolist()) < set(tracks.ids[:10].tolist())


def test_clips_without_tracks_and_with_few_frames_come_as_often_as_asked() -> None:
    rng, draw = np.random.default_rng(2), TrackDraw("sparse", no_tracks=0.25, sparse_time=0.5)
    drawn = [draw.draw(rng, grid(20)) for _ in range(2000)]
    shown = [one for one in drawn if one.num_points]
    assert 1 - len(shown) / len(drawn) == pytest.approx(0.25, abs=0.03)
    partly = [one for one in shown if not one.visible.all()]
    # Of those thinned in time some keep all six frames.
    assert 0.3 < len(partly) / len(shown) < 0.5
    for one in partly:
        frames = one.visible.any(dim=1)
        assert 2 <= int(frames.sum()) < 6
        assert torch.equal(one.visible, frames[:, None].expand_as(one.visible))


def test_windows_reach_both_ends() -> None:
    rng = np.random.default_rng(3)
    assert {window_start(rng, 9, 5) for _ in range(200)} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("rule", "wanted", "available", "frames"),
    [
        (FrameRule(), 0, 7, 7),
        (FrameRule(usual=16, most=32), 0, 80, 16),
        (FrameRule(usual=16, most=32), 32, 80, 32),
        (FrameRule(usual=16, most=8), 0, 80, 8),
        (FrameRule(stride=4), 0, 80, 77),
        (FrameRule(stride=4), 49, 80, 49),
        (FrameRule(stride=4), 50, 80, None),
        (FrameRule(stride=4), 81, 80, None),
        (FrameRule(usual=16, most=32), 33, 80, None),
    ],
)
def test_the_frames_are_those_a_base_makes(
    rule: FrameRule, wanted: int, available: int, frames: int | None
) -> None:
    if frames is None:
        with pytest.raises(ValueError, match=f"frames is {wanted}; expected at most"):
            rule.of(wanted, available)
    else:
        assert rule.of(wanted, available) == frames


def test_a_step_is_the_same_for_one_process_and_two() -> None:
    source, rule = Squares(7), FrameRule(most=3)
    two = TrackControlNetConfig(**{**vars(CONFIG), "batch": 2})
    whole = StepBatches(two, source, rule)
    halves = [StepBatches(CONFIG, source, rule, rank, 2) for rank in (0, 1)]
    accumulated = StepBatches(
        TrackControlNetConfig(**{**vars(CONFIG), "accumulation": 2}), source, rule
    )
    names, captions = set(), set()
    for step in (5, 0, 6, 1, 2):
        (batch,) = whole[step]
        joined = collate([half[step][0] for half in halves])
        in_turn = collate(accumulated[step])
        for other in (joined, in_turn):
            assert torch.equal(other.video, batch.video) and other.seeds == batch.seeds
            assert (other.names, other.captions) == (batch.names, batch.captions)
            for ours, theirs in zip(batch.tracks, other.tracks, strict=True):
                assert torch.equal(ours.xy, theirs.xy) and torch.equal(ours.ids, theirs.ids)
        assert batch.video.shape[1] == batch.tracks[0].num_frames == 3
        names |= set(batch.names)
        captions |= set(batch.captions)
    assert len(names) > 3 and captions == {"", "a square"}


def test_clips_of_different_sizes_do_not_go_together() -> None:
    parts = [StepBatches(CONFIG, Squares(2, side), FrameRule())[0][0] for side in (32, 40)]
    with pytest.raises(ShapeError, match=r"square-. \(5, 40, 40\).*accumulation"):
        collate(parts)


def test_a_folder_of_videos_and_tracks_is_read(tmp_path: Path) -> None:
    clips = open_clips([write_squares(tmp_path / "a", 3), write_squares(tmp_path / "b", 1)])
    assert clips.counts == (3, 1)
    expected = Squares(3)[1]
    read = clips[1]
    assert (read.key, read.caption) == ("1.mp4", "a square")
    assert (read.video.float() - expected.video.float()).abs().mean() < 3
    assert torch.equal(read.tracks.xy, expected.tracks.xy)
    assert clips[0].caption == ""
    digest = digest_of(clips, "data")
    assert digest == digest_of(open_clips([tmp_path / "a", tmp_path / "b"]), "data")
    assert digest != digest_of(open_clips([tmp_path / "a"]), "data")


def test_folders_that_hold_no_clips_are_refused(tmp_path: Path) -> None:
    folder = write_squares(tmp_path / "a", 2)
    with pytest.raises(FormatError, match="not there"):
        open_clips([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match=r"no manifest\.json and no video"):
        open_clips([tmp_path / "empty"])
    (tmp_path / "empty" / "manifest.json").write_text("{}")
    with pytest.raises(FormatError, match="not both"):
        open_clips([folder, tmp_path / "empty"])
    (folder / "1.npz").unlink()
    with pytest.raises(FormatError, match="1 have none.*1.mp4"):
        FolderClips([folder])


def test_tracks_of_another_clip_are_refused(tmp_path: Path) -> None:
    from motion_core.formats import write_tracks

    folder = write_squares(tmp_path, 1)
    write_tracks(folder / "0.npz", Squares(1, frames=FRAMES + 2)[0].tracks)
    with pytest.raises(FormatError, match=f"{FRAMES} frames but its tracks {FRAMES + 2}"):
        FolderClips([folder])[0]
    write_tracks(folder / "0.npz", Squares(1, side=40)[0].tracks)
    with pytest.raises(ValueError, match="40"):
        FolderClips([folder])[0]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"regime": "mixed"}, "dense"),
        ({"no_text": 1.5}, r"no_text must be 0\.\.1"),
        ({"accumulation": 0}, "accumulation"),
        ({"frames": -1}, "frames"),
        ({"probe_clips": 0}, "probe_clips"),
    ],
)
def test_configs_out_of_range_are_refused(values: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        TrackControlNetConfig(**values)


def test_noise_on_the_first_image_is_the_clips_own_and_leaves_the_video() -> None:
    source, rule, deviations = Squares(7), FrameRule(), []
    noisy = TrackControlNetConfig(**{**vars(CONFIG), "batch": 2, "first_frame_noise": 0.2})
    halves = TrackControlNetConfig(**{**vars(CONFIG), "first_frame_noise": 0.2})
    for step in range(40):
        (plain,) = StepBatches(TrackControlNetConfig(**{**vars(CONFIG), "batch": 2}), source, rule)[
            step
        ]
        (batch,) = StepBatches(noisy, source, rule)[step]
        assert torch.equal(plain.firsts, plain.video[:, 0].float() / 255)
        assert torch.equal(batch.video, plain.video) and batch.seeds == plain.seeds
        second = StepBatches(halves, source, rule, 1, 2)[step][0]
        assert torch.equal(second.firsts[0], batch.firsts[1])
        assert float(batch.firsts.min()) >= 0 and float(batch.firsts.max()) <= 1
        # The ground, 30 of 255, is far enough from black for small deviations.
        ground = (batch.firsts - plain.firsts)[..., 2]
        deviations += [float(one[one != 0].std()) for one in ground]
    # Uniform from 0 to 0.2; what is cut off at black lowers it a little.
    assert np.mean(deviations) == pytest.approx(0.09, abs=0.015)
    assert min(deviations) < 0.02 and max(deviations) > 0.14
    with pytest.raises(ValueError, match="first_frame_noise must be 0..1"):
        TrackControlNetConfig(first_frame_noise=1.5)
