"""Shards read back: order, resuming, workers, and folders that are not whole."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

from motion_core.curation.run import Curation, curate
from motion_core.curation.sample import tar_members
from motion_core.curation.settings import CurationSettings
from motion_core.curation.shards import ShardBatches, ShardSchedule, epoch_order, open_shards
from motion_core.curation.sources import find_sources
from motion_core.errors import FormatError
from motion_core.geometry import Size

from .videos import panned, write_mp4

COUNTS = (5, 3, 7, 4, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("shards")
    for seed in range(3):
        write_mp4(root / f"v{seed}.mp4", panned(seed, 9), 16.0)
    settings = CurationSettings(
        size=Size(64, 48), frames=4, stride=4, cuts="none", spacing=8.0, shard_mb=0.02
    )
    curate(Curation(find_sources([str(root)]), root / "out", settings))
    return root / "out"


def test_every_sample_comes_once_an_epoch_whatever_the_world() -> None:
    total = sum(COUNTS)
    for world, batch in ((1, 4), (2, 3), (3, 5)):
        drawn = []
        steps = total * 3 // (world * batch) + 1
        for step in range(steps):
            for rank in range(world):
                drawn += ShardSchedule(COUNTS, batch, 7, rank, world).at(step)
        for epoch in range(3):
            part = drawn[epoch * total : (epoch + 1) * total]
            assert sorted(part) == list(range(total))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    orders = [epoch_order(COUNTS, seed, epoch, 16).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    epoch_order.cache_clear()
    assert epoch_order(COUNTS, 0, 0, 16).tolist() == orders[0]


@pytest.mark.parametrize("window", [1, 2, 3])
def test_few_shards_are_read_at_a_time(window: int) -> None:
    shard_of = np.repeat(np.arange(5), COUNTS)
    for seed in range(20):
        order = shard_of[epoch_order(COUNTS, seed, 0, window)].tolist()
        spans = [(order.index(s), len(order) - 1 - order[::-1].index(s)) for s in range(5)]
        for place in range(len(order)):
            assert sum(first <= place <= last for first, last in spans) <= window


def test_a_run_resumes_in_the_middle_of_an_epoch(folder: Path) -> None:
    shards = open_shards([folder])
    batches = ShardBatches(shards, ShardSchedule(shards.counts, batch=2, seed=1))
    whole = [[sample.key for sample in batches[step]] for step in range(7)]
    assert len(shards) == 6
    for workers in (0, 2):
        loader = DataLoader(
            batches,
            batch_size=None,
            sampler=range(4, 7),
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
        )
        assert [[sample.key for sample in batch] for batch in loader] == whole[4:]
    assert Counter(key for batch in whole[:3] for key in batch) == Counter(
        {shards[index].key: 1 for index in range(6)}
    )


def test_shards_travel_to_workers(folder: Path) -> None:
    shards = open_shards([folder])
    key = shards[4].key
    assert pickle.loads(pickle.dumps(shards))[4].key == key  # noqa: S301


def test_folders_are_read_as_one(folder: Path) -> None:
    both = open_shards([folder, folder])
    assert len(both) == 12
    assert both[0].key == both[6].key
    with pytest.raises(IndexError, match="12 samples"):
        both[12]


def broken(folder: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    return copy


def test_a_missing_or_torn_shard_is_named(folder: Path, tmp_path: Path) -> None:
    copy = broken(folder, tmp_path)
    (shard, *_) = sorted(copy.glob("*.tar"))
    data = shard.read_bytes()
    shard.write_bytes(data[:-512])
    with pytest.raises(FormatError, match=f"{shard.name} has .* copy it again"):
        open_shards([copy])
    shard.unlink()
    with pytest.raises(FormatError, match=f"{shard.name} is missing"):
        open_shards([copy])


def test_shards_of_another_version_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = broken(folder, tmp_path)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["sample_version"] = 9
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(FormatError, match="expected sample_version 1, got 9"):
        open_shards([copy])
    (copy / "manifest.json").unlink()
    with pytest.raises(FormatError, match="holds no manifest.json"):
        open_shards([copy])


def with_members(folder: Path, tmp_path: Path, change) -> Path:
    """A copy in which the members of the first sample are changed."""
    copy = broken(folder, tmp_path)
    key, members = open_shards([folder]).read_members(0)
    data = tar_members(key, change(dict(members))) + bytes(1024)
    (copy / "changed.tar").write_bytes(data)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["shards"] = [{"name": "changed.tar", "samples": 1, "bytes": len(data)}]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return copy


def test_a_sample_without_tracks_is_named(folder: Path, tmp_path: Path) -> None:
    def without(members: dict[str, bytes]) -> dict[str, bytes]:
        members.pop("tracks.npz")
        return members

    shards = open_shards([with_members(folder, tmp_path, without)])
    with pytest.raises(FormatError, match=r"has no tracks \(.*tracks\.npz\)"):
        shards[0]


def test_a_sample_of_another_version_is_named(folder: Path, tmp_path: Path) -> None:
    def newer(members: dict[str, bytes]) -> dict[str, bytes]:
        about = json.loads(members["json"]) | {"sample_version": 2}
        return members | {"json": json.dumps(about).encode()}

    shards = open_shards([with_members(folder, tmp_path, newer)])
    with pytest.raises(FormatError, match="is of version 2; this release reads version 1"):
        shards[0]


def test_a_video_that_does_not_fit_its_tracks_is_named(folder: Path, tmp_path: Path) -> None:
    other = write_mp4(tmp_path / "o.mp4", panned(0, 5, height=48, width=64)).read_bytes()
    shards = open_shards([with_members(folder, tmp_path, lambda members: members | {"mp4": other})])
    with pytest.raises(FormatError, match=r"5 frames of 64x48 but the tracks 4"):
        shards[0]


@pytest.mark.parametrize(
    "values", [{"batch": 0}, {"rank": 1}, {"world": 0}, {"window": 0}, {"counts": (0,)}]
)
def test_schedules_out_of_range_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match=r"batch|rank|world|window|no sample"):
        ShardSchedule(**({"counts": COUNTS, "batch": 2} | values))


def test_a_schedule_of_other_shards_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="other shards"):
        ShardBatches(open_shards([folder]), ShardSchedule(COUNTS, 2))


def test_a_clip_larger_than_clips_are_is_refused(folder: Path, monkeypatch) -> None:
    from motion_core.curation import shards as module

    _, members = open_shards([folder]).read_members(0)
    assert module.decode_clip(members["mp4"], "x").shape == (4, 48, 64, 3)
    monkeypatch.setattr(module, "MOST_CLIP_PIXELS", 3 * 48 * 64)
    with pytest.raises(FormatError, match="x has more than 9,216 pixels"):
        module.decode_clip(members["mp4"], "x")
