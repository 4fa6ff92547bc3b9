"""A curation from sources to shards, resumable at every step."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_write import write_text
from ..errors import FormatError
from ..progress import Progress, silent
from ..safe_json import read_json_object
from .clip_tracks import tracker_of
from .cuts import make_detector
from .engine import Engine, InProcess
from .filters import Selection, choose_sources, select_clips
from .pack import MANIFEST, check_manifest, manifest_of, pack_shards, write_manifest
from .sample import SampleJob, make_samples, sample_path
from .scan import ScanJob, ScanRecord, scan_from, scan_source
from .settings import CurationSettings
from .sources import Source

WORK, PLAN, SCANS, SAMPLES = "work", "plan.json", "scans", "samples"
DROPPED, TIMINGS = "dropped.json", "timings.json"
MOST_RECORD_BYTES = 256 << 20
Step = Callable[[str], Progress]


@dataclass(frozen=True)
class Curation:
    """What a curation works with.

    Attributes:
        sources: Of find_sources.
        folder: Receives shards, manifest.json, dropped.json and timings.json, and holds work/ until
            they are complete.
        settings: See CurationSettings.
        engine: Which processes do the work.
        weights: Folder of the tracker's weights, or None.
        device: Where a learned tracker runs; None for a GPU if there is one.
        step: Gives the progress of a step by its name.
    """

    sources: Sequence[Source]
    folder: Path
    settings: CurationSettings
    engine: Engine = InProcess()
    weights: Path | None = None
    device: str | None = None
    step: Step = lambda name: silent


def curate(curation: Curation) -> dict[str, Any]:
    """Curate videos to shards.

    The steps are: scan every source, select clips, write a sample per clip, join the samples. What
    a step has finished stays in work/, so that the same call goes on after an interruption. When
    the manifest is written, work/ is removed.

    Returns:
        The manifest; the one that is there where the folder is complete already.

    Raises:
        FormatError: The folder holds another curation.
        ValueError: No clip is left, or a list names an unknown source.
        MissingExtraError: The tracker or PySceneDetect is missing.
        OSError: The disk is full; the same call goes on once there is room.
    """
    settings = curation.settings
    sources, excluded = choose_sources(curation.sources, settings.filters)
    work = curation.folder / WORK
    done = _begin(curation, work)
    if done is not None:
        return done
    _check_tools(curation)
    scans = _scan(curation, sources, work / SCANS)
    captions = {source.name: source.caption for source in sources}
    selection = select_clips(scans, captions, settings.filters)
    if not selection.kept:
        raise ValueError(_nothing_left(scans, selection))
    problems = {scan.name: scan.problem for scan in scans if scan.problem}
    timings = defaultdict(float, {"clips": float(sum(len(scan.clips) for scan in scans))})
    for scan in scans:
        _add_seconds(timings, "scan", scan.seconds)
    keys = _make(curation, sources, scans, selection, problems, timings)
    shards = pack_shards(
        keys, work / SAMPLES, curation.folder, settings.shard_mb, curation.step("packing")
    )
    timings["samples"] = float(len(keys))
    _write(curation.folder / TIMINGS, {key: round(timings[key], 4) for key in sorted(timings)})
    _write(
        curation.folder / DROPPED,
        {
            "excluded_sources": excluded,
            "problems": problems,
            "clips": [vars(one) for one in selection.dropped],
        },
    )
    manifest = manifest_of(settings, sources, excluded, scans, selection, shards, problems)
    write_manifest(curation.folder, manifest)
    shutil.rmtree(work)
    return manifest


def _begin(curation: Curation, work: Path) -> dict[str, Any] | None:
    """Claim the folder for this curation; the manifest if it is complete."""
    plan = {
        "settings": curation.settings.to_values(),
        "sources": digest_of(curation.sources),
    }
    plan = json.loads(json.dumps(plan))
    manifest_path = curation.folder / MANIFEST
    if manifest_path.is_file():
        manifest = read_json_object(manifest_path, MOST_RECORD_BYTES)
        check_manifest(manifest, manifest_path)
        known = read_json_object(curation.folder / PLAN)
        if known != plan:
            raise FormatError(_other_plan(curation.folder, known, plan))
        shutil.rmtree(work, ignore_errors=True)
        return manifest
    curation.folder.mkdir(parents=True, exist_ok=True)
    path = curation.folder / PLAN
    if path.is_file():
        known = read_json_object(path)
        if known != plan:
            raise FormatError(_other_plan(curation.folder, known, plan))
    elif any(curation.folder.iterdir()):
        raise FormatError(f"{curation.folder} is not empty and holds no curation; name another.")
    else:
        _write(path, plan)
    for name in (SCANS, SAMPLES):
        (work / name).mkdir(parents=True, exist_ok=True)
    for leftover in curation.folder.glob("shard-*.tar"):
        # Of packing that was interrupted; it starts over, because its list was not written.
        leftover.unlink()
    return None


def _other_plan(folder: Path, known: dict[str, Any], plan: dict[str, Any]) -> str:
    mine, other = plan["settings"], known.get("settings", {})
    differs = sorted(name for name in mine if mine[name] != other.get(name))
    what = f"settings ({', '.join(differs)})" if differs else "sources"
    return f"{folder} holds a curation with other {what}. Name another folder, or remove this one."


def digest_of(sources: Sequence[Source]) -> str:
    """A digest of names, lengths, captions and licences of sources."""
    lines = [[one.name, one.num_bytes, one.caption, one.licence] for one in sources]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def _check_tools(curation: Curation) -> None:
    """Raise before the work what every job would raise."""
    settings = curation.settings
    tracker_of(settings.tracker, curation.weights, curation.device)
    if settings.cuts != "none":
        make_detector(settings.cuts)


def _scan(curation: Curation, sources: Sequence[Source], folder: Path) -> list[ScanRecord]:
    """The records of all sources, those of an earlier call from their files."""
    records: dict[str, ScanRecord] = {}
    paths = {source.name: folder / f"{_name_digest(source.name)}.json" for source in sources}
    missing = []
    for source in sources:
        if paths[source.name].is_file():
            values = read_json_object(paths[source.name], MOST_RECORD_BYTES)
            records[source.name] = scan_from(values)
        else:
            missing.append(source)
    progress = curation.step("scanning")
    jobs = [ScanJob(source, curation.settings) for source in missing]
    with closing(curation.engine.run(scan_source, jobs)) as outcomes:
        for outcome in outcomes:
            name = missing[outcome.index].name
            record = outcome.record or ScanRecord(name, None, problem=outcome.problem)
            _write(paths[name], record.to_values())
            records[name] = record
            progress(len(records), len(sources))
    return [records[source.name] for source in sources]


def _make(
    curation: Curation,
    sources: Sequence[Source],
    scans: Sequence[ScanRecord],
    selection: Selection,
    problems: dict[str, str],
    timings: dict[str, float],
) -> list[str]:
    """Write the samples of all kept clips; their keys, sorted."""
    samples = curation.folder / WORK / SAMPLES
    clips = defaultdict(list)
    for name, clip in selection.kept:
        clips[name].append(clip)
    timelines = {scan.name: scan.timeline for scan in scans}
    jobs = []
    for source in sources:
        timeline = timelines[source.name]
        if source.name in clips and timeline is not None:
            chosen = tuple(sorted(clips[source.name], key=lambda clip: clip.index))
            jobs.append(
                SampleJob(
                    source,
                    timeline,
                    chosen,
                    curation.settings,
                    samples,
                    curation.weights,
                    curation.device,
                )
            )
    progress = curation.step("tracking")
    done = 0
    with closing(curation.engine.run(make_samples, jobs)) as outcomes:
        for outcome in outcomes:
            name = jobs[outcome.index].source.name
            problem = outcome.problem
            if outcome.record is not None:
                problem = outcome.record.problem
                _add_seconds(timings, "sample", outcome.record.seconds)
            if problem:
                problems[name] = problem
            done += len(jobs[outcome.index].clips)
            progress(done, len(selection.kept))
    keys = (clip.key for _, clip in selection.kept)
    found = sorted(key for key in keys if sample_path(samples, key).is_file())
    if not found:
        raise ValueError(f"no sample could be written: {_examples(problems)}")
    return found


def _add_seconds(timings: dict[str, float], step: str, seconds: dict[str, float]) -> None:
    for name, spent in seconds.items():
        timings[f"{step}_{name}_s"] += spent


def _nothing_left(scans: Sequence[ScanRecord], selection: Selection) -> str:
    if selection.dropped:
        reasons = sorted({one.reason for one in selection.dropped})
        return f"the filters drop all {len(selection.dropped)} clips: {', '.join(reasons)}."
    return f"no source has a clip: {_examples({s.name: s.problem for s in scans})}"


def _examples(problems: dict[str, str]) -> str:
    shown = [f"{name}: {problem}" for name, problem in sorted(problems.items())[:3]]
    return " ".join(shown) or "there are no sources."


def _name_digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _write(path: Path, values: Any) -> None:
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
