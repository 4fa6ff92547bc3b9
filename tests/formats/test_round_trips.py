"""What each format keeps, for any tracks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.formats import FORMATS, from_host, to_host
from motion_core.tracks.model import Tracks
from motion_core.tracks.time import resample

from .samples import any_tracks, there_and_back, walk

FEW = settings(max_examples=25, deadline=None)


def assert_same_where_visible(got: Tracks, wanted: Tracks, tolerance: float = 0.0) -> None:
    assert got.xy.shape == wanted.xy.shape
    assert torch.equal(got.visible, wanted.visible)
    far = (got.xy - wanted.xy).abs()[wanted.visible]
    assert not far.numel() or far.max() <= tolerance


@FEW
@given(any_tracks())
def test_our_own_file_keeps_everything(tracks):
    got = there_and_back(tracks, "motion_npz", ".npz", size_argument=False)
    assert torch.equal(got.xy, tracks.xy)
    assert torch.equal(got.visible, tracks.visible)
    assert torch.equal(got.ids, tracks.ids)
    assert (got.size, got.fps) == (tracks.size, tracks.fps)


@FEW
@given(any_tracks())
def test_the_wire_keeps_everything(tracks):
    got = from_host(to_host(tracks))
    assert torch.equal(got.xy, tracks.xy)
    assert torch.equal(got.visible, tracks.visible)
    assert torch.equal(got.ids, tracks.ids)
    assert (got.size, got.fps) == (tracks.size, tracks.fps)


@FEW
@given(any_tracks(least_points=1, least_frames=1))
def test_the_table_keeps_ids_and_their_order(tracks):
    got = there_and_back(tracks, "csv", ".csv")
    assert_same_where_visible(got, tracks)
    assert torch.equal(got.ids, tracks.ids)


@FEW
@given(any_tracks(), st.sampled_from([("wan_move", ".npy"), ("cotracker", ".npz")]))
def test_trackers_arrays_keep_positions_and_visibility(tracks, format_and_suffix):
    got = there_and_back(tracks, *format_and_suffix)
    assert_same_where_visible(got, tracks, 0.0 if format_and_suffix[0] == "wan_move" else 1e-3)


@FEW
@given(any_tracks())
def test_tapvid_keeps_points_on_the_canvas(tracks):
    inside = (tracks.xy >= 0).all(-1) & (tracks.xy <= torch.tensor([*tracks.size])).all(-1)
    tracks = Tracks(tracks.xy, tracks.visible & inside, tracks.ids, tracks.size)
    assert_same_where_visible(there_and_back(tracks, "tapvid", ".npz"), tracks, 1e-3)


@FEW
@given(
    any_tracks(least_points=1, all_visible=True),
    st.sampled_from(["coordinates", "pairs"]),
)
def test_text_keeps_every_float_of_visible_points(tracks, format):
    if tracks.num_frames == 0:
        return  # a track without points cannot be told from no track
    assert_same_where_visible(there_and_back(tracks, format, ".json"), tracks)


@FEW
@given(any_tracks(least_frames=1))
def test_ati_keeps_the_clip_in_121_samples(tracks):
    got = there_and_back(tracks, "ati", ".pth")
    assert_same_where_visible(got, resample(tracks, 121), 1e-3)


def test_every_format_is_covered_above():
    assert {entry.name for entry in FORMATS} == {
        *("motion_npz", "coordinates", "ati_coordinates", "pairs", "wan_move"),
        *("ati", "tapvid", "cotracker", "csv"),
    }


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_writing_twice_gives_the_same_bytes(entry, tmp_path):
    for name in ("first", "second"):
        entry.write(tmp_path / f"{name}_tracks{entry.suffixes[0]}", walk())
    first, second = sorted(tmp_path.glob(f"*_tracks{entry.suffixes[0]}"))
    if entry.name == "ati":  # torch names the folder inside the archive after the file
        return
    assert first.read_bytes() == second.read_bytes()
