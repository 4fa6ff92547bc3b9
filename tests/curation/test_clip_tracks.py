"""Tracks of a clip, their confidence, and their file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.curation.clip_tracks import (
    ClipTracks,
    decode_tracks,
    encode_tracks,
    position_scale,
    track_clip,
)
from motion_core.curation.settings import CurationSettings
from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.npy_files import npz_bytes
from motion_core.trackers import make_tracker
from motion_core.tracks import make_tracks

from .videos import panned, texture

SIZE = Size(128, 96)


def tracked(pictures: np.ndarray, **settings) -> ClipTracks:
    chosen = CurationSettings(
        **({"size": SIZE, "frames": len(pictures), "spacing": 8.0, "cuts": "none"} | settings)
    )
    return track_clip(pictures, chosen, make_tracker("lucas_kanade"))


def test_a_pan_is_followed_with_high_confidence() -> None:
    clip = tracked(panned(0, 8, 2.0))
    assert clip.tracks.xy.shape == (8, 16 * 12, 2)
    assert clip.tracks.fps == 16.0
    moved = clip.tracks.xy - clip.tracks.xy[:1]
    wanted = torch.tensor([2.0, 0.0]) * torch.arange(8.0)[:, None, None]
    error = (moved - wanted).norm(dim=-1)[clip.tracks.visible]
    assert float(error.median()) < 0.1
    assert float(clip.confidence[clip.tracks.visible].median()) > 0.95
    assert float(clip.confidence[~clip.tracks.visible].abs().sum()) == 0
    # What leaves on the right is lost.
    assert not bool(clip.tracks.visible[-1, clip.tracks.xy[0, :, 0] > 120].any())


def test_confidence_falls_where_the_surface_changes() -> None:
    clip = panned(0, 6, 0.0)
    changed = clip.astype(float)
    other = texture(1)
    for frame in range(6):  # half of the picture turns into something else
        changed[frame, :, 64:] += (other[:, 64:] - changed[frame, :, 64:]) * frame / 7
    found = tracked(np.rint(changed).astype(np.uint8))
    right = found.tracks.xy[0, :, 0] > 72
    assert float(found.confidence[3, ~right].median()) > 0.98
    assert float(found.confidence[3, right].median()) < 0.95


def test_grids_start_in_several_frames() -> None:
    clip = tracked(panned(0, 8, 2.0), query_frames=2)
    assert clip.tracks.num_points == 2 * 16 * 12
    assert bool(clip.tracks.visible[0, :192].all()) and bool(clip.tracks.visible[4, 192:].all())


def pasted(background_step: float, object_step: float) -> np.ndarray:
    frames = panned(0, 10, background_step)
    patch = texture(5, 32, 48)
    for number, frame in enumerate(frames):
        left = 16 + round(object_step * number)
        frame[32:64, left : left + 48] = patch
    return frames


@pytest.mark.parametrize(
    ("background_step", "object_step", "label"),
    [(0.0, 0.0, "still"), (1.0, 1.0, "camera"), (0.0, 3.0, "object"), (-1.0, 3.0, "both")],
)
def test_what_moves_is_labelled(background_step: float, object_step: float, label: str) -> None:
    clip = tracked(pasted(background_step, object_step), separates=True)
    assert clip.label == label
    if label in ("object", "both"):
        x, y = clip.tracks.xy[0].unbind(-1)
        on_object = (x > 24) & (x < 56) & (y > 40) & (y < 56)
        assert float(clip.is_background[on_object].float().mean()) < 0.3
        assert float(clip.is_background[(y < 24) | (y > 72)].float().mean()) > 0.7


def random_tracks(seed: int, size: Size) -> ClipTracks:
    generator = torch.Generator().manual_seed(seed)
    scale = position_scale(size)
    edge = torch.tensor(tuple(size), dtype=torch.float32)
    xy = torch.rand(9, 40, 2, generator=generator) * edge * 3 - edge
    xy = ((xy * scale).round() / scale).clamp(-32767 / scale, 32767 / scale)
    visible = torch.rand(9, 40, generator=generator) < 0.7
    confidence = (torch.rand(9, 40, generator=generator) * 255).round() / 255
    tracks = make_tracks(xy, size, visible=visible, fps=12.5)
    return ClipTracks(tracks, confidence, visible[0], "both")


@pytest.mark.parametrize("size", [Size(64, 64), Size(256, 256), Size(832, 480), Size(2048, 16)])
def test_the_file_gives_the_same_tracks_back(size: Size) -> None:
    clip = random_tracks(1, size)
    data = encode_tracks(clip)
    back = decode_tracks(data, label="both")
    assert torch.equal(back.tracks.xy, clip.tracks.xy)
    assert torch.equal(back.tracks.visible, clip.tracks.visible)
    assert torch.equal(back.confidence, clip.confidence)
    assert torch.equal(back.is_background, clip.is_background)
    assert (back.tracks.size, back.tracks.fps, back.label) == (size, 12.5, "both")
    assert encode_tracks(back) == data


def test_what_a_tracker_finds_comes_back_too() -> None:
    clip = tracked(panned(0, 6, 2.3))
    back = decode_tracks(encode_tracks(clip))
    assert torch.equal(back.tracks.xy, clip.tracks.xy)
    assert torch.equal(back.confidence, clip.confidence)


def test_positions_are_fine_enough() -> None:
    sides = (64, 256, 832, 1024, 2048)
    assert [position_scale(Size(side, 8)) for side in sides] == [256, 64, 16, 16, 8]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no zip", "tracks.npz"),
        (npz_bytes({"x": np.zeros(3)}), "without a version"),
        (npz_bytes({"curated_tracks_version": np.int64(2)}), "version 1, got 2"),
        (npz_bytes({"curated_tracks_version": np.int64(1)}), "lacks"),
    ],
)
def test_other_files_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        decode_tracks(data)


def test_parts_that_do_not_fit_are_refused() -> None:
    import io

    arrays = dict(np.load(io.BytesIO(encode_tracks(random_tracks(0, SIZE)))))
    arrays["confidence"] = arrays["confidence"][:-1]
    with pytest.raises(FormatError, match="do not belong together"):
        decode_tracks(npz_bytes(arrays))
