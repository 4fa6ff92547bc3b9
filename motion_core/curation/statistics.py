"""What a curated set is like: motion, visibility and length of its tracks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..progress import Progress, silent
from ..safe_json import read_json_object
from .clip_tracks import ClipTracks
from .pack import MANIFEST
from .run import DROPPED, MOST_RECORD_BYTES
from .shards import Shards, open_shards, parse_about, sample_tracks

# Samples that are read, and examples of dropped clips that are listed.
MOST_SAMPLES, MOST_EXAMPLES = 400, 200
BINS = 24


@dataclass(frozen=True)
class Histogram:
    """Counts of values in bins of equal width.

    Attributes:
        name: Of the values, with their unit.
        edges: One more than counts.
        counts: Of kept values.
        dropped: Of values of dropped clips; empty where they are not known.
        median: Of the kept values.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    dropped: tuple[int, ...]
    median: float


@dataclass(frozen=True)
class SetStatistics:
    """Statistics of a curated folder.

    Attributes:
        manifest: Of the folder.
        dropped: Content of dropped.json.
        samples: Numbers of the samples that were read, evenly spread.
        histograms: Displacement and length of tracks, confidence, and the figures of clips.
        visible: Share of points that are visible, by frame.
        labels: Clips by what moves in them, of the samples that were read.
    """

    manifest: dict[str, Any]
    dropped: dict[str, Any]
    samples: tuple[int, ...]
    histograms: tuple[Histogram, ...]
    visible: tuple[float, ...]
    labels: dict[str, int]

    def to_values(self) -> dict[str, Any]:
        """The statistics as values of JSON."""
        return {
            "samples_read": len(self.samples),
            "histograms": [vars(one) for one in self.histograms],
            "visible_by_frame": [round(one, 5) for one in self.visible],
            "labels": self.labels,
            "counts": self.manifest["counts"],
            "licences": self.manifest["licences"],
            "problems": self.manifest["problems"],
        }


def measure_set(folder: Path, progress: Progress = silent) -> SetStatistics:
    """Statistics of a folder that `curate` has finished, from at most 400 of its samples.

    Raises FormatError as open_shards does.
    """
    shards = open_shards([folder])
    manifest = read_json_object(folder / MANIFEST, MOST_RECORD_BYTES)
    dropped = read_json_object(folder / DROPPED, MOST_RECORD_BYTES)
    count = min(len(shards), MOST_SAMPLES)
    numbers = np.unique(np.linspace(0, len(shards) - 1, count).round().astype(int)).tolist()
    away: list[np.ndarray] = []
    lengths: list[np.ndarray] = []
    confidence: list[np.ndarray] = []
    visible: list[np.ndarray] = []
    figures: list[dict[str, float]] = []
    labels: Counter[str] = Counter()
    for done, number in enumerate(numbers, start=1):
        clip, about = _read(shards, number)
        displacement, length = track_figures(clip)
        away.append(displacement)
        lengths.append(length)
        confidence.append(clip.confidence[clip.tracks.visible].numpy())
        visible.append(clip.tracks.visible.float().mean(dim=1).numpy())
        figures.append(about["figures"])
        labels[clip.label or "not separated"] += 1
        progress(done, len(numbers))
    tracks = (
        ("displacement of tracks, px", np.concatenate(away)),
        ("length of tracks, frames", np.concatenate(lengths)),
        ("confidence of visible points", np.concatenate(confidence)),
    )
    histograms = [histogram(name, values) for name, values in tracks]
    for name, unit in (("motion", "short sides/s"), ("shake", "short sides/s"), ("brightness", "")):
        others = np.array([clip[name] for clip in dropped["clips"]])
        kept = np.array([row[name] for row in figures])
        histograms.append(histogram(f"{name} of clips{f', {unit}' if unit else ''}", kept, others))
    return SetStatistics(
        manifest,
        dropped,
        tuple(numbers),
        tuple(histograms),
        tuple(np.mean(visible, axis=0).tolist()),
        dict(sorted(labels.items())),
    )


def _read(shards: Shards, number: int) -> tuple[ClipTracks, dict[str, Any]]:
    key, members = shards.read_members(number)
    about = parse_about(members, key)
    return sample_tracks(members, about, key), about


def track_figures(clip: ClipTracks) -> tuple[np.ndarray, np.ndarray]:
    """(N,) distance in pixels from the first to the last visible position of each track, and (N,)
    the number of frames in which it is visible."""
    tracks = clip.tracks
    order = torch.arange(tracks.num_frames)[:, None]
    first = torch.where(tracks.visible, order, tracks.num_frames).amin(dim=0)
    last = torch.where(tracks.visible, order, -1).amax(dim=0)
    ever = last >= 0
    columns = torch.arange(tracks.num_points)[ever]
    moved = tracks.xy[last[ever], columns] - tracks.xy[first[ever], columns]
    return moved.norm(dim=-1).numpy(), tracks.visible.sum(dim=0).numpy()


def histogram(name: str, kept: np.ndarray, dropped: np.ndarray | None = None) -> Histogram:
    """Counts in equal bins from 0 to the 99.5th percentile of all values; larger ones count in the
    last bin."""
    others = np.zeros(0) if dropped is None else dropped
    both = np.concatenate([kept, others]).astype(np.float64)
    top = float(np.quantile(both, 0.995)) if len(both) else 1.0
    edges = np.linspace(0, top or 1.0, BINS + 1)

    def counts(values: np.ndarray) -> tuple[int, ...]:
        return tuple(np.histogram(values.clip(0, edges[-1]), edges)[0].tolist())

    return Histogram(
        name,
        tuple(float(f"{edge:.6g}") for edge in edges),
        counts(kept),
        counts(others) if len(others) else (),
        float(f"{np.median(kept):.6g}") if len(kept) else 0.0,
    )
