"""Whole curations: equal bytes, resuming, dying workers, damaged videos, full disks."""

from __future__ import annotations

import errno
import importlib
import json
import os
import subprocess
import sys
import tarfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from motion_core.curation.engine import InProcess, LocalPool
from motion_core.curation.run import Curation, curate
from motion_core.curation.sample import make_samples
from motion_core.curation.scan import scan_source
from motion_core.curation.settings import CurationSettings, Filters
from motion_core.curation.sources import find_sources
from motion_core.errors import FormatError, MissingExtraError
from motion_core.geometry import Size
from tests.host.pack import ROOT

from .videos import panned, write_mp4


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """Four videos of two clips each, one of them captioned, and one damaged file."""
    folder = tmp_path_factory.mktemp("videos")
    for seed in range(4):
        write_mp4(folder / f"v{seed}.mp4", panned(seed, 18, 0.5 * seed), 16.0)
    (folder / "v1.txt").write_text("a moving wall", encoding="utf-8")
    whole = (folder / "v0.mp4").read_bytes()
    (folder / "torn.mp4").write_bytes(whole[: len(whole) // 2])
    return folder


SETTINGS = CurationSettings(
    size=Size(64, 48),
    frames=8,
    stride=8,
    cuts="none",
    spacing=8.0,
    shard_mb=0.03,
    licence="CC0",
)


# The same on the command line.
OPTIONS = ["--size", "64x48", "--frames", "8", "--cuts", "none", "--spacing", "8"]
OPTIONS += ["--shard-mb", "0.03", "--licence", "CC0", "--workers", "1"]


def curation(videos: Path, out: Path, engine=None, settings=SETTINGS, **options) -> Curation:
    sources = find_sources([str(videos)])
    return Curation(sources, out, settings, engine or InProcess(), **options)


def files_of(folder: Path) -> dict[str, bytes]:
    """All that is kept but the times."""
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timings.json"
    }


def shards_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.tar")}


@pytest.fixture(scope="module")
def finished(videos: Path, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    curate(curation(videos, out))
    return out


def test_the_manifest_counts_what_there_is(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))
    counts = manifest["counts"]
    assert (counts["sources"], counts["sources_unreadable"]) == (5, 1)
    assert (counts["clips_found"], counts["samples"], counts["clips_lost"]) == (8, 8, 0)
    assert (counts["without_caption"], counts["upscaled"]) == (6, 0)
    assert counts["seconds"] == 4.0
    assert manifest["licences"] == {"CC0": 8}
    assert list(manifest["problems"]) == ["torn.mp4"]
    assert "cut short" in manifest["problems"]["torn.mp4"]
    assert manifest["versions"]["av"]
    assert not (finished / "work").exists()
    assert sum(shard["samples"] for shard in manifest["shards"]) == 8
    assert len(manifest["shards"]) > 2
    for shard in manifest["shards"]:
        assert shard["bytes"] == (finished / shard["name"]).stat().st_size
        assert shard["bytes"] <= 30_000 or shard["samples"] == 1


def test_shards_are_webdatasets_in_the_order_of_content(finished: Path) -> None:
    import hashlib

    keys = []
    for path in sorted(finished.glob("*.tar")):
        assert path.stem.rpartition("-")[2] == hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        with tarfile.open(path) as archive:
            names = archive.getnames()
        assert [name.partition(".")[2] for name in names[:3]] == ["mp4", "tracks.npz", "json"]
        keys += [name.partition(".")[0] for name in names[::3]]
    assert keys == sorted(set(keys)) and len(keys) == 8


def check_dying(engine, folder: Path) -> str:
    """Every job is done once, but the one that always kills its process; what is said of that."""
    jobs = importlib.import_module("tests.curation.jobs")
    names = ["a", "once", "b", "always", "c", "d"]
    given = [(name, folder / f"killed-{name}") for name in names]
    outcomes = sorted(engine.run(jobs.kill, given), key=lambda one: one.index)
    assert [one.index for one in outcomes] == list(range(6))
    assert [one.record for one in outcomes] == ["a", "once", "b", None, "c", "d"]
    assert outcomes[3].problem.startswith("3 processes ended")
    return outcomes[3].problem


@pytest.mark.slow
def test_two_workers_write_the_same_bytes(finished: Path, videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    curate(curation(videos, out, LocalPool(2)))
    assert files_of(out) == files_of(finished)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="MALLOC_PERTURB_ is of glibc")
def test_bytes_do_not_depend_on_memory_that_was_never_written(
    finished: Path, videos: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "motion_core", "curate", str(videos), *OPTIONS]
    for fill in ("31", "165"):
        environment = os.environ | {"MALLOC_PERTURB_": fill}
        out = tmp_path / fill
        subprocess.run([*command, "--out", str(out)], env=environment, check=True, cwd=ROOT)
        assert shards_of(out) == shards_of(finished)


@pytest.mark.slow
def test_ray_writes_the_same_bytes_and_survives_dying_workers(
    finished: Path, videos: Path, tmp_path: Path
) -> None:
    from motion_core.curation.ray_engine import RayEngine

    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        curate(curation(videos, tmp_path / "ray", RayEngine(workers=2)))
        assert files_of(tmp_path / "ray") == files_of(finished)
        check_dying(RayEngine(workers=2), tmp_path)
    finally:
        ray.shutdown()


class Stopping:
    """An engine that stops after some outcomes of one step, as Ctrl-C would."""

    def __init__(self, function, after: int) -> None:
        self.function, self.after, self.calls = function, after, []

    def run(self, function, jobs):
        with closing(InProcess().run(function, jobs)) as outcomes:
            for number, outcome in enumerate(outcomes):
                if function is self.function and number == self.after:
                    raise KeyboardInterrupt
                self.calls.append((function.__name__, jobs[outcome.index].source.name))
                yield outcome


@pytest.mark.parametrize(("function", "after"), [(scan_source, 2), (make_samples, 2)])
def test_an_interrupted_curation_goes_on(
    finished: Path, videos: Path, tmp_path: Path, function, after: int
) -> None:
    out = tmp_path / "out"
    first = Stopping(function, after)
    with pytest.raises(KeyboardInterrupt):
        curate(curation(videos, out, first))
    assert not (out / "manifest.json").exists()
    second = Stopping(None, -1)
    curate(curation(videos, out, second))
    assert files_of(out) == files_of(finished)
    scanned = [name for step, name in first.calls + second.calls if step == "scan_source"]
    # The engine had the third outcome when it stopped, but had not handed it over.
    assert len(scanned) == len(set(scanned)) == 5


def test_a_finished_curation_is_not_repeated(finished: Path, videos: Path) -> None:
    before = files_of(finished)
    manifest = curate(curation(videos, finished, Stopping(scan_source, 0)))
    assert manifest["counts"]["samples"] == 8
    assert files_of(finished) == before


def test_another_curation_may_not_use_the_folder(
    finished: Path, videos: Path, tmp_path: Path
) -> None:
    other = CurationSettings(size=Size(64, 48), frames=4, stride=4, cuts="none", spacing=8.0)
    with pytest.raises(FormatError, match=r"other settings \(frames, licence, shard_mb, stride\)"):
        curate(curation(videos, finished, settings=other))
    few = find_sources([str(videos / "v0.mp4")])
    with pytest.raises(FormatError, match="other sources"):
        curate(Curation(few, finished, SETTINGS))
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FormatError, match="not empty"):
        curate(curation(videos, tmp_path))


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_worker_loses_and_repeats_nothing(tmp_path: Path) -> None:
    assert check_dying(LocalPool(2), tmp_path).startswith("3 processes ended by signal 9")


def test_what_a_job_raises_reaches_the_caller(tmp_path: Path) -> None:
    jobs = importlib.import_module("tests.curation.jobs")
    with pytest.raises(OSError, match="No space left") as caught:
        list(LocalPool(1).run(jobs.fail, [("a", tmp_path)]))
    assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_stops_and_can_be_resumed(
    finished: Path, videos: Path, tmp_path: Path, monkeypatch
) -> None:
    out, written = tmp_path / "out", []
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        curate(curation(videos, out))
    monkeypatch.undo()
    samples = list((out / "work" / "samples").rglob("*.part.tar"))
    assert len(samples) == 3
    stamps = {path: path.stat().st_mtime_ns for path in samples}
    time.sleep(0.01)
    kept = Stopping(None, -1)
    curate(curation(videos, out, kept))
    assert files_of(out) == files_of(finished)
    assert stamps  # their files were joined as they were: the bytes are equal


def test_interrupted_packing_starts_over(
    finished: Path, videos: Path, tmp_path: Path, monkeypatch
) -> None:
    from motion_core.curation import run

    out = tmp_path / "out"

    def torn(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "write_manifest", torn)
    with pytest.raises(KeyboardInterrupt):
        curate(curation(videos, out))
    assert list(out.glob("shard-*.tar"))
    monkeypatch.undo()
    curate(curation(videos, out))
    assert files_of(out) == files_of(finished)


def test_a_source_that_changes_between_the_passes_is_listed(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for seed in range(2):
        write_mp4(folder / f"v{seed}.mp4", panned(seed, 10), 16.0)

    class Changing:
        def run(self, function, jobs):
            if function is make_samples:
                write_mp4(folder / "v1.mp4", panned(9, 10), 16.0)
            yield from InProcess().run(function, jobs)

    manifest = curate(curation(folder, tmp_path / "out", Changing()))
    assert (manifest["counts"]["samples"], manifest["counts"]["clips_lost"]) == (1, 1)
    assert "has changed since it was scanned" in manifest["problems"]["v1.mp4"]


def test_dropped_clips_are_listed(videos: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    settings = replace(SETTINGS, filters=Filters(drop_slowest=0.25, without_sources=("v3.mp4",)))
    manifest = curate(curation(videos, tmp_path / "out", settings=settings))
    dropped = json.loads((tmp_path / "out" / "dropped.json").read_text(encoding="utf-8"))
    # v0 stands still.
    assert [(one["source"], one["reason"]) for one in dropped["clips"]] == [("v0.mp4", "slowest")]
    assert dropped["excluded_sources"] == ["v3.mp4"]
    assert manifest["counts"]["clips_dropped"] == {"slowest": 1}


def test_nothing_left_says_why(videos: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    too_long = replace(SETTINGS, frames=100, stride=100)
    with pytest.raises(ValueError, match=r"no source has a clip.*longest scene lasts 1\.12 s"):
        curate(curation(videos, tmp_path / "a", settings=too_long))
    too_strict = replace(SETTINGS, filters=Filters(min_motion=99))
    with pytest.raises(ValueError, match="the filters drop all 8 clips: static"):
        curate(curation(videos, tmp_path / "b", settings=too_strict))


def test_a_missing_tracker_is_refused_before_the_work(videos: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    settings = replace(SETTINGS, tracker="cotracker3_offline")
    with pytest.raises(MissingExtraError, match="cotracker"):
        curate(curation(videos, tmp_path / "out", settings=settings))


def test_samples_hold_the_clip_and_its_origin(finished: Path) -> None:
    from motion_core.curation.shards import open_shards

    shards = open_shards([finished])
    found = {(s.about["source"], s.about["start_s"]): s for s in map(shards.__getitem__, range(8))}
    assert set(found) == {(f"v{n}.mp4", start) for n in range(4) for start in (0.0, 0.5)}
    sample = found["v1.mp4", 0.5]
    assert (sample.caption, sample.about["licence"]) == ("a moving wall", "CC0")
    # Of all frames of the source, the nearest to the clip's first is that at half a second.
    frames = panned(3, 18, 1.5).reshape(18, 48, 2, 64, 2, 3).mean(axis=(2, 4))
    first = found["v3.mp4", 0.5].video[0].numpy()
    assert np.abs(frames - first).mean(axis=(1, 2, 3)).argmin() == 8
    # The content moves by half a pixel of the source, a quarter of a pixel here.
    step = sample.tracks.xy[7] - sample.tracks.xy[0]
    visible = sample.tracks.visible[7]
    assert float((step[visible] - step.new_tensor([7 * 0.25, 0])).norm(dim=-1).median()) < 0.15
