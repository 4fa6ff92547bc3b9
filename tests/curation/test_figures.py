"""Figures of clips of known motion, and filters on figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.curation.cuts import Timeline
from motion_core.curation.figures import ClipFigures, content_key, measure_clip, perceptual_hash
from motion_core.curation.filters import choose_sources, near_duplicates, select_clips
from motion_core.curation.scan import ClipRecord, ScanRecord, scan_from
from motion_core.curation.settings import CurationSettings, Filters, settings_from
from motion_core.curation.sources import Source
from motion_core.geometry import Size

from .videos import panned, texture


def test_the_motion_score_of_a_pan_is_its_speed() -> None:
    # 1.5 px of 96 per frame, at 16 frames per second.
    figures = measure_clip(panned(0, 12, 1.5), 16.0)
    assert figures.motion == pytest.approx(1.5 / 96 * 16, rel=0.05)
    assert figures.shake == pytest.approx(0, abs=0.02)


def test_the_score_does_not_depend_on_the_rate_or_the_size() -> None:
    clip = panned(0, 12, 1.5)
    score = measure_clip(clip, 16.0).motion
    larger = clip.repeat(2, axis=1).repeat(2, axis=2)
    assert measure_clip(larger, 16.0).motion == pytest.approx(score, rel=0.1)
    assert measure_clip(clip[::2], 8.0).motion == pytest.approx(score, rel=0.1)


def test_a_shaking_camera_is_distinguished_from_a_pan() -> None:
    pan = panned(0, 12, 2.0)
    shaking = pan[[0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]]
    # The step changes by 4 px from +2 to -2.
    assert measure_clip(shaking, 16.0).shake == pytest.approx(4 / 96 * 16, rel=0.1)


def test_brightness_and_contrast() -> None:
    clip = np.full((3, 64, 64, 3), 51, np.uint8)
    figures = measure_clip(clip, 16.0)
    assert (figures.motion, figures.brightness) == (0.0, 0.2)
    assert figures.contrast < 1e-9


def test_the_hash_survives_compression_and_tells_scenes_apart() -> None:
    clip = panned(0, 6)
    noise = np.random.default_rng(0).normal(0, 4, clip.shape)
    same = np.clip(clip + noise, 0, 255).astype(np.uint8)
    hashes = [int(perceptual_hash(one), 16) for one in (clip, same, panned(1, 6))]
    assert (hashes[0] ^ hashes[1]).bit_count() <= 6
    assert (hashes[0] ^ hashes[2]).bit_count() > 40


def test_the_hash_ignores_noise_in_flat_areas() -> None:
    rng = np.random.default_rng(0)
    clip = np.full((3, 128, 128, 3), 60, np.uint8)
    clip[:, 40:90, 30:70] = 200
    hashes = []
    for _ in range(2):
        noisy = clip + np.rint(rng.normal(0, 2, clip.shape))
        hashes.append(int(perceptual_hash(noisy.clip(0, 255).astype(np.uint8)), 16))
    assert (hashes[0] ^ hashes[1]).bit_count() <= 10


def test_the_key_depends_on_pixels_and_rate_alone() -> None:
    clip = panned(0, 4)
    changed = clip.copy()
    changed[2, 5, 5, 1] ^= 1
    assert content_key(clip, 16.0) == content_key(np.asfortranarray(clip), 16.0)
    assert len({content_key(c, f) for c, f in ((clip, 16.0), (clip, 8.0), (changed, 16.0))}) == 3


def record(key: str, index: int = 0, phash: int = 0, **figures: float) -> ClipRecord:
    values = {"motion": 0.1, "shake": 0.0, "brightness": 0.5, "contrast": 0.1} | figures
    measured = ClipFigures(**values, phash=f"{phash:048x}")
    return ClipRecord(key, index, 0, index * 5.0, Size(64, 64), measured)


def scans_of(*clips: ClipRecord) -> list[ScanRecord]:
    timeline = Timeline((0.0,), 0.0625, 100, 6.25)
    return [ScanRecord(f"{n}.mp4", timeline, (clip,)) for n, clip in enumerate(clips)]


def reasons(selection) -> dict[str, str]:
    return {one.source: one.reason for one in selection.dropped}


def test_nothing_is_dropped_by_default() -> None:
    scans = scans_of(record("b", motion=0), record("a", phash=0), record("c", brightness=0))
    selection = select_clips(scans, {}, Filters())
    assert [clip.key for _, clip in selection.kept] == ["a", "b", "c"]
    assert selection.dropped == ()


def test_every_bound_is_reported() -> None:
    clips = [
        record("a", motion=0.001),
        record("b", motion=9),
        record("c", shake=2),
        record("d", brightness=0.01),
        record("e", brightness=0.99),
        record("f"),
        record("g"),
    ]
    filters = Filters(
        min_motion=0.01,
        max_motion=1,
        max_shake=0.5,
        min_brightness=0.05,
        max_brightness=0.95,
        needs_caption=True,
    )
    selection = select_clips(scans_of(*clips), {"5.mp4": "a dog"}, filters)
    assert reasons(selection) == {
        "0.mp4": "static",
        "1.mp4": "fast",
        "2.mp4": "shaky",
        "3.mp4": "dark",
        "4.mp4": "bright",
        "6.mp4": "no caption",
    }
    assert selection.dropped[0].detail == "motion 0.001 is below 0.01"
    assert [name for name, _ in selection.kept] == ["5.mp4"]


def test_the_slowest_quarter_of_what_is_left_is_dropped() -> None:
    clips = [record(f"{n}", motion=n / 10) for n in range(9)]
    selection = select_clips(scans_of(*clips), {}, Filters(drop_slowest=0.25, min_motion=0.05))
    assert reasons(selection) == {"0.mp4": "static", "1.mp4": "slowest", "2.mp4": "slowest"}
    assert selection.slowest == pytest.approx(0.3)


def test_equal_clips_are_one_sample() -> None:
    selection = select_clips(scans_of(record("a"), record("b"), record("a")), {}, Filters())
    assert reasons(selection) == {"2.mp4": "identical"}
    assert selection.dropped[0].detail == "equal to clip 0 of 0.mp4"


def test_near_duplicates_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    base = [int.from_bytes(rng.bytes(24), "big") for _ in range(30)]
    hashes = []
    for value in base * 3:
        for bit in rng.choice(192, size=int(rng.integers(0, 9)), replace=False):
            value ^= 1 << int(bit)
        hashes.append(value)
    kept: list[int] = []
    slow = []
    for number, value in enumerate(hashes):
        like = [one for one in kept if (hashes[one] ^ value).bit_count() <= 6]
        if like:
            slow.append((number, like[0]))
        else:
            kept.append(number)
    assert len(slow) > 10
    assert list(near_duplicates(hashes, 6)) == slow


def test_lists_of_sources(tmp_path) -> None:
    sources = [Source(name, tmp_path) for name in "abc"]
    kept, excluded = choose_sources(sources, Filters(without_sources=("b",)))
    assert ([one.name for one in kept], excluded) == (["a", "c"], ["b"])
    kept, excluded = choose_sources(sources, Filters(only_sources=("b",)))
    assert ([one.name for one in kept], excluded) == (["b"], ["a", "c"])
    with pytest.raises(ValueError, match="names 'd', which is not among the 3"):
        choose_sources(sources, Filters(only_sources=("d",)))


def test_records_and_settings_come_back() -> None:
    import json

    (scan,) = scans_of(record("a", phash=77))
    assert scan_from(json.loads(json.dumps(scan.to_values()))) == scan
    settings = CurationSettings(filters=Filters(only_sources=("x",), duplicate_bits=4))
    assert settings_from(json.loads(json.dumps(settings.to_values()))) == settings


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"size": Size(255, 256)}, "even sides"),
        ({"size": Size(4096, 4096)}, "at most 2048"),
        ({"frames": 1}, "frames"),
        ({"size": Size(2048, 2048), "frames": 65}, "more than the 268,435,456 pixels"),
        ({"fps": float("nan")}, "fps"),
        ({"cuts": "magic"}, "adaptive, content, none"),
        ({"spacing": 0.5}, "spacing"),
        ({"spacing": 1.0}, r"65,536|at most"),
        ({"shard_mb": 0}, "shard_mb"),
        ({"crf": 60}, "crf"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict, says: str) -> None:
    values = values if "spacing" not in values else values | {"query_frames": 2}
    with pytest.raises(ValueError, match=says):
        CurationSettings(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"drop_slowest": 1.0},
        {"min_motion": -1.0},
        {"min_brightness": 0.9, "max_brightness": 0.1},
        {"duplicate_bits": 100},
    ],
)
def test_filters_out_of_range_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match=r"drop_slowest|motion|brightness|duplicate_bits"):
        Filters(**values)


def test_texture_is_what_the_tests_take_it_for() -> None:
    assert texture(0).std() > 20
    assert not np.array_equal(texture(0), texture(1))
