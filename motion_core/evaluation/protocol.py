"""Dense motion from few tracks, measured: the same questions put to every method.

Questions come from procedural scenes with exact motion, of seeds that training never sees. Every
classical method has its settings chosen on the validation scenes, question by question, before
the test scenes are touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..progress import Progress, silent
from ..training.draws import anywhere, dragged, draw_tracks
from ..training.scene_model import GRID
from ..training.scenes import FRAMES, Split, make_scene
from .baselines import Method, Question, gaussian, laplacian, nearest, rest, thin_plate
from .errors import Truth, dense_errors, track_error

# One drag with its small grid, and so many pins elsewhere.
DRAG, DRAG_PINS = "drag", 12
COUNTS = ("1", "4", "16", "64", "256", DRAG)

# Every method with the settings it may choose from.
FAMILIES: Mapping[str, Mapping[str, Method]] = {
    "no control": {"": rest},
    "nearest track": {"": nearest},
    "gaussian falloff": {f"sigma {s:g}": gaussian(s) for s in (0.02, 0.04, 0.08, 0.16, 0.32)},
    "thin plate": {f"smoothing {s:g}": thin_plate(s) for s in (0.0, 1e-3, 1e-2, 1e-1, 1.0)},
    "laplacian": {f"data {d:g}": laplacian(0.0, d) for d in (0.3, 3.0, 100.0)},
    "edge-aware laplacian": {
        f"edge {e:g} data {d:g}": laplacian(e, d)
        for e in (30.0, 100.0, 300.0, 1000.0)
        for d in (0.3, 3.0)
    },
}


@dataclass(frozen=True, eq=False)
class Case:
    """One question with its answer."""

    question: Question
    truth: Truth


@dataclass(frozen=True)
class Figure:
    """A mean over clips with its standard error, and how many clips had anything to measure."""

    mean: float
    error: float
    clips: int


# Figures by question (a count of tracks, or DRAG), method, and place.
Table = dict[str, dict[str, dict[str, Figure]]]


def cases(split: Split, clips: int, count: str, seed: int) -> Iterator[Case]:
    """The first scenes of a split, each with tracks drawn by a seed.

    count: a number of tracks placed anywhere, or DRAG.
    """
    for index in range(clips):
        scene = make_scene(split.seed(index), FRAMES)
        displacement, visible, layers = scene.field(GRID)
        rng = np.random.default_rng([seed, index, COUNTS.index(count)])
        if count == DRAG:
            points = dragged(rng, scene, layers, DRAG_PINS)
        else:
            points = anywhere(rng, int(count))
        image = torch.from_numpy(scene.image).float() / 255.0
        question = Question(image, draw_tracks(rng, scene, points), GRID)
        truth = Truth(
            torch.from_numpy(displacement.astype(np.float32)),
            torch.from_numpy(visible),
            torch.from_numpy(layers),
        )
        yield Case(question, truth)


def tuned(clips: int, count: str, seed: int, progress: Progress = silent) -> dict[str, Method]:
    """For every family, the setting with the least error over the frame on validation scenes.

    Returned under "family (setting)".
    """
    sums = {(name, key): 0.0 for name, family in FAMILIES.items() for key in family}
    for done, case in enumerate(cases(Split.VALIDATION, clips, count, seed), start=1):
        for name, key in sums:
            field = FAMILIES[name][key](case.question)
            sums[name, key] += dense_errors(field, case.truth, case.question.tracks)["frame"]
        progress(done, clips)
    chosen = {}
    for name, family in FAMILIES.items():
        best = min(family, key=lambda key: sums[name, key])
        chosen[f"{name} ({best})" if best else name] = family[best]
    return chosen


def measure(
    methods: Mapping[str, Method],
    clips: int,
    count: str,
    seeds: Sequence[int],
    progress: Progress = silent,
) -> dict[str, dict[str, Figure]]:
    """Errors of methods on the test scenes, by method and place ("tracks" among the places).

    A clip's error is its mean over the seeds, each of which draws other tracks; the standard error
    is that of the mean over clips.
    """
    found: dict[str, list[list[dict[str, float]]]] = {name: [] for name in methods}
    total = clips * len(seeds)
    for turn, seed in enumerate(seeds):
        for index, case in enumerate(cases(Split.TEST, clips, count, seed)):
            for name, method in methods.items():
                field = method(case.question)
                tracks = case.question.tracks
                row = dense_errors(field, case.truth, tracks)
                row["tracks"] = track_error(field, tracks)
                if turn == 0:
                    found[name].append([])
                found[name][index].append(row)
            progress(turn * clips + index + 1, total)
    return {name: _figures(rows) for name, rows in found.items()}


def figure(values: Sequence[float]) -> Figure:
    """Mean and standard error of what is not NaN."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Figure(math.nan, math.nan, 0)
    spread = float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return Figure(float(np.mean(known)), spread, len(known))


def _figures(clips: list[list[dict[str, float]]]) -> dict[str, Figure]:
    places = clips[0][0] if clips else {}
    return {
        place: figure([figure([row[place] for row in rows]).mean for rows in clips])
        for place in places
    }
