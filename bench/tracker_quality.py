"""Scores of every tracker that can run here, on clips whose motion is known.

`python -m bench.tracker_quality` prints the table of docs/trackers.md and writes it, with the score
of every clip, to out/tracker-quality.md. With --models DIR also those that need weights run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motion_core.evaluation.tapvid import TapVidScores, tapvid_scores
from motion_core.trackers import KINDS, Tracker, grid_queries, make_tracker
from tests.trackers.scenes import CLIPS, OCCLUDED, QUERIES, UNOCCLUDED, Clip

OUT = Path(__file__).resolve().parent.parent / "out" / "tracker-quality.md"
GROUPS = {"unoccluded": list(UNOCCLUDED), "occluded": list(OCCLUDED), "all": list(CLIPS)}
SPACING_PX = 16.0
# Another drawing of every clip per round: textures and noise change, motion stays.
SEED_STEP = 1000


@dataclass(frozen=True)
class Means:
    """TAP-Vid's three numbers, each a mean over runs, and the smallest of each."""

    mean: tuple[float, float, float]
    worst: tuple[float, float, float]


def score(tracker: Tracker, clip: Clip, spacing_px: float = SPACING_PX) -> list[TapVidScores]:
    """The scores of grids of queries in the first, the middle and the last frame of a clip."""
    video = clip.video()
    scores = []
    for frame_of in QUERIES.values():
        queries = grid_queries(clip.size, spacing_px, frame_of(clip))
        tracks = tracker.track(video, queries)
        scores.append(tapvid_scores(tracks, clip.truth(queries), queries[:, 0].long()))
    return scores


def means(scores: Iterable[TapVidScores]) -> Means:
    """Mean and worst delta_avg, occlusion accuracy and average Jaccard."""
    rows = np.array(
        [(score.delta_avg, score.occlusion_accuracy, score.average_jaccard) for score in scores]
    )
    return Means(tuple(rows.mean(axis=0).tolist()), tuple(rows.min(axis=0).tolist()))


def table(scores: dict[str, dict[str, list[TapVidScores]]]) -> str:
    """Markdown: a row per tracker and clip or group of clips. scores: by tracker, then clip."""
    lines = [
        "| tracker | clips | delta_avg | occlusion accuracy | average Jaccard | worst of each |",
        "|---|---|---|---|---|---|",
    ]
    for tracker, by_clip in scores.items():
        for name, clips in (GROUPS | {clip: [clip] for clip in CLIPS}).items():
            found = means(one for clip in clips for one in by_clip[clip])
            cells = [f"{value:.3f}" for value in found.mean]
            cells.append(" / ".join(f"{value:.3f}" for value in found.worst))
            lines.append(f"| `{tracker}` | {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> int:
    """Scores the trackers, prints and writes the table. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.tracker_quality", description=__doc__)
    parser.add_argument("trackers", nargs="*", metavar="NAME", help="default: all that can run")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with weights")
    parser.add_argument("--rounds", type=int, default=2, help="drawings of each clip (default 2)")
    args = parser.parse_args(words)
    if args.rounds < 1:
        parser.error("--rounds must be 1 or more")
    names = args.trackers or [name for name in KINDS if not KINDS[name].missing(args.models)]
    scores: dict[str, dict[str, list[TapVidScores]]] = {name: {} for name in names}
    for name in names:
        tracker = make_tracker(name, args.models)
        for clip, scene in CLIPS.items():
            drawn = [
                replace(scene, seed=scene.seed + SEED_STEP * turn) for turn in range(args.rounds)
            ]
            scores[name][clip] = [one for each in drawn for one in score(tracker, each)]
    result = table(scores)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(result, encoding="utf-8")
    sys.stdout.write(f"{result}\nwritten to {OUT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
