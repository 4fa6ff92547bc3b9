"""The TRACKS value on the wire, against dicts written by hand."""

from __future__ import annotations

import logging

import pytest
import torch

from motion_core.errors import CanvasError, FormatError
from motion_core.formats import from_host, to_host
from motion_core.geometry import Size

from .samples import walk


def host_value(frames=4, points=3, **more):
    """What the host's own nodes make: two keys and nothing else."""
    path = torch.arange(frames * points * 2, dtype=torch.float32).reshape(frames, points, 2)
    return {
        "track_path": path,
        "track_visibility": torch.ones(frames, points, dtype=torch.bool),
        **more,
    }


def test_the_host_finds_its_keys_dtypes_and_shapes():
    value = to_host(walk(frames=5, points=3))
    assert value["track_path"].dtype == torch.float32
    assert value["track_path"].shape == (5, 3, 2)
    assert value["track_visibility"].dtype == torch.bool
    assert value["track_visibility"].shape == (5, 3)
    assert value["canvas"] == (64, 48)
    assert value["fps"] == 16.0
    assert value["ids"].tolist() == [5, 8, 11]


def test_writing_into_the_hosts_tensors_leaves_ours_alone():
    tracks = walk()
    before = tracks.xy.clone()
    to_host(tracks)["track_path"].zero_()
    assert torch.equal(tracks.xy, before)


def test_a_value_of_the_hosts_own_nodes_needs_only_a_size():
    tracks = from_host(host_value(), size=Size(832, 480))
    assert tracks.size == Size(832, 480)
    assert tracks.ids.tolist() == [0, 1, 2]
    assert tracks.fps is None
    assert tracks.xy[1, 2].tolist() == [10.0, 11.0]
    with pytest.raises(FormatError, match="does not say which canvas.*connect an image"):
        from_host(host_value())


def test_visibility_made_from_a_mask_counts_for_all_tracks():
    value = host_value()
    value["track_visibility"] = torch.tensor([[True], [False], [True], [True]])
    tracks = from_host(value, size=Size(8, 8))
    assert tracks.visible.tolist() == [[True] * 3, [False] * 3, [True] * 3, [True] * 3]


def test_missing_visibility_is_all_visible_as_the_hosts_sampler_reads_it():
    value = host_value()
    del value["track_visibility"]
    assert from_host(value, size=Size(8, 8)).visible.all()


def test_a_batch_axis_of_one_is_dropped():
    value = host_value()
    batched = {key: tensor[None] for key, tensor in value.items()}
    assert torch.equal(from_host(batched, size=Size(8, 8)).xy, value["track_path"])


@pytest.mark.parametrize("ids", [[0, 1], [4, 4, 5]], ids=["too few", "repeated"])
def test_stale_ids_are_renumbered_and_logged(ids, caplog):
    value = host_value(canvas=(8, 8), ids=torch.tensor(ids))
    with caplog.at_level(logging.WARNING):
        assert from_host(value).ids.tolist() == [0, 1, 2]
    assert "renumbered" in caplog.text


def test_another_canvas_is_refused_with_the_node_to_connect():
    with pytest.raises(CanvasError, match=r"64x48.*832x480.*Transform Tracks"):
        from_host(to_host(walk()), size=Size(832, 480))


def test_the_input_is_not_edited():
    value = host_value()
    value["track_path"][0, 0] = torch.nan
    value["track_visibility"][0, 0] = False
    kept = value["track_path"].clone()
    tracks = from_host(value, size=Size(8, 8))
    assert tracks.xy[0, 0].tolist() == [0.0, 0.0]
    assert torch.equal(value["track_path"].isnan(), kept.isnan())


def test_tracks_themselves_are_not_a_wire_value():
    with pytest.raises(TypeError, match="TRACKS dict"):
        from_host(walk())
