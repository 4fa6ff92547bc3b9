"""Cost of curation: stages per clip, a run by two workers, and a model of many.

`python -m bench curation` measures on made videos. `python -m bench.curation FOLDER OUT` measures a
folder of videos with the default settings and writes OUT/curation-scale.json, the figures of
docs/scale.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from motion_core.curation.engine import Engine, InProcess, LocalPool, Outcome
from motion_core.curation.pack import pack_shards
from motion_core.curation.run import Curation, curate
from motion_core.curation.sample import SampleJob, sample_path
from motion_core.curation.scan import WALL
from motion_core.curation.settings import CurationSettings
from motion_core.curation.sources import find_sources
from motion_core.geometry import Size
from motion_core.video import write_video

from .row import Row
from .throughput import Cluster, JobCost, simulate

WORKERS = (1, 2, 8, 64, 200, 1000)
# Bytes per second: a disk of one machine, a file server on 10 Gbit/s, a parallel file system.
STORAGES = {"0.2 GB/s": 2e8, "1 GB/s": 1e9, "10 GB/s": 1e10}
MADE_CLIPS = 2


@dataclass
class Watched:
    """An engine that notes the seconds of every job and of the whole."""

    engine: Engine
    jobs: list[list[float]] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)
    clips: list[list[int]] = field(default_factory=list)

    def run(self, function: Callable, jobs: Sequence) -> Generator[Outcome, None, None]:
        """See Engine."""
        seconds = [0.0] * len(jobs)
        started = time.perf_counter()
        first = None
        for outcome in self.engine.run(function, jobs):
            first = first or time.perf_counter()
            seconds[outcome.index] = outcome.record.seconds[WALL]
            yield outcome
        self.jobs.append(seconds)
        self.spans.append(time.perf_counter() - started)
        sampled = [len(job.clips) if isinstance(job, SampleJob) else 1 for job in jobs]
        self.clips.append(sampled)


def stage_costs(folder: Path, settings: CurationSettings) -> tuple[dict[str, float], Watched]:
    """Processor seconds of each stage per clip, in one process; and the jobs."""
    watched = Watched(InProcess())
    with tempfile.TemporaryDirectory() as out:
        curate(Curation(find_sources([str(folder)]), Path(out) / "out", settings, watched))
        timings = json.loads((Path(out) / "out" / "timings.json").read_text(encoding="utf-8"))
        shards = sum(p.stat().st_size for p in (Path(out) / "out").glob("*.tar"))
    clips = timings.pop("clips")
    samples = timings.pop("samples")
    costs = {name: value / clips for name, value in timings.items() if WALL not in name}
    return costs | {"sample_bytes": shards / samples}, watched


def handout_seconds(jobs: int = 2000) -> float:
    """Seconds in which a pool hands out one job that does nothing and takes its result."""
    pool = LocalPool(2).run(abs, list(range(jobs)))
    next(pool)
    started = time.perf_counter()
    done = sum(1 for _ in pool)
    return (time.perf_counter() - started) / done


def packing_rate(megabytes: int = 64) -> float:
    """Bytes per second at which samples are joined to shards."""
    with tempfile.TemporaryDirectory() as folder:
        samples, target = Path(folder) / "samples", Path(folder) / "target"
        target.mkdir()
        keys = [f"{number:020x}" for number in range(megabytes)]
        for key in keys:
            path = sample_path(samples, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(1_000_000))
        started = time.perf_counter()
        pack_shards(keys, samples, target, 32.0)
        return megabytes * 1e6 / (time.perf_counter() - started)


def two_workers(folder: Path, settings: CurationSettings, engine: Engine) -> dict[str, Any]:
    """A real run: seconds of each step, those that the model gives for its jobs, and the start."""
    watched = Watched(engine)
    with tempfile.TemporaryDirectory() as out:
        curate(Curation(find_sources([str(folder)]), Path(out) / "out", settings, watched))
    found: dict[str, Any] = {}
    for name, jobs, span in zip(("scan", "sample"), watched.jobs, watched.spans, strict=True):
        model = simulate([JobCost(one) for one in jobs], Cluster(2))
        found[name] = {
            "jobs": len(jobs),
            "job_seconds": sum(jobs),
            "real_s": span,
            "model_s": model,
        }
    return found


def many(costs: list[float], read: float, written: float, handout: float) -> dict[str, Any]:
    """Clips per second of clusters, for jobs like the measured ones with a clip each."""
    rng = np.random.default_rng(0)
    table: dict[str, Any] = {}
    for label, bandwidth in STORAGES.items():
        for workers in WORKERS:
            count = max(2000, 20 * workers)
            jobs = [JobCost(one, read, written) for one in rng.choice(costs, count)]
            seconds = simulate(jobs, Cluster(workers, bandwidth, handout))
            table.setdefault(label, {})[workers] = count / seconds
    return table


def study(folder: Path) -> dict[str, Any]:
    """All figures of docs/scale.md."""
    settings = CurationSettings()
    costs, watched = stage_costs(folder, settings)
    sources = find_sources([str(folder)])
    read = 3 * sum(source.num_bytes for source in sources) / sum(watched.clips[1])
    # Scan and sample of the same sources, per clip.
    seconds = [
        (scan + sample) / clips
        for scan, sample, clips in zip(*watched.jobs, watched.clips[1], strict=True)
    ]
    handout = handout_seconds()
    return {
        "costs": costs,
        "seconds_per_clip": seconds,
        "read_bytes_per_clip": read,
        "handout_s": handout,
        "packing_bytes_per_s": packing_rate(),
        "two_workers": two_workers(folder, settings, LocalPool(2)),
        "clips_per_second": many(
            [sum(value for name, value in costs.items() if name.endswith("_s"))],
            read,
            costs["sample_bytes"],
            handout,
        ),
    }


def measure() -> list[Row]:
    """Stages per clip on made videos."""
    generator = torch.Generator().manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(MADE_CLIPS):
            still = torch.rand(1, 30, 40, 3, generator=generator)
            large = still.repeat_interleave(8, 1).repeat_interleave(8, 2)
            frames = torch.cat([large.roll(shift, 2) for shift in range(24)])
            write_video(Path(folder) / f"{number}.mp4", frames, 16.0)
        settings = CurationSettings(
            size=Size(128, 128), frames=24, stride=24, cuts="none", spacing=8.0
        )
        costs, _ = stage_costs(Path(folder), settings)
    decode = costs["sample_decode_s"]
    return [
        Row(f"curation {name}", value * 1e3, "ms CPU", "decoding a clip", ratio=value / decode)
        for name, value in costs.items()
        if name.endswith("_s")
    ]


def main() -> None:
    """Measure a folder of videos."""
    folder, out = map(Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(study(folder), indent=1) + "\n"
    (out / "curation-scale.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
