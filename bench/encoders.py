"""Two encoders of lite on the same cases: is the second one better, and where?

    python -m bench.encoders BEFORE.safetensors AFTER.safetensors [--real DIR] [--scenes N]
        [--out encoders.json]

BEFORE and AFTER are weights files. Prints, for each figure, its mean before and after, and the mean
difference with its standard error over pairs: scenes of both generators, and with --real scenes of
clips that are not trained on and every sixth photograph. A negative difference is better.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from motion_core.evaluation.cases import World, case_of, scene_at
from motion_core.evaluation.field_errors import dense_errors, track_error
from motion_core.evaluation.real.clip_tracks import given_tracks, held_out_tracks, tracked_clip
from motion_core.evaluation.real.clips import (
    clip_names,
    held_out_scenes,
    read_real_clip,
    related_scenes,
    scene_of,
)
from motion_core.evaluation.real.drag_study import photograph_row
from motion_core.evaluation.real.methods import Method
from motion_core.evaluation.real.photographs import photograph_names
from motion_core.evaluation.statistics import figure
from motion_core.layered_scenes.scenes import Split
from motion_core.models.lite.densifier import LiteDensifier
from motion_core.models.lite.load import load_lite
from motion_core.training.lite.real_clips import training_clip_names

SYNTHETIC_COUNTS = ("1", "4", "16", "64", "256", "drag")
SYNTHETIC_PLACES = ("frame", "boundary", "object")
CLIP_COUNTS = ("1", "4", "16", "64", "512")
# Clips of one scene that are measured; their mean is one pair.
PER_SCENE, EVERY_PHOTOGRAPH = 3, 6
PHOTOGRAPH_FIGURES = ("torn", "goes", "bending", "background")
log = logging.getLogger("bench")

# Figures of both encoders by name and case.
Pairs = dict[str, dict[str, tuple[float, float]]]
Encoders = tuple[LiteDensifier, LiteDensifier]


def main() -> None:
    """Measure, print the table, and write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--scenes", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("out/encoders.json"))
    args = parser.parse_args()
    encoders = (LiteDensifier(load_lite(args.before)), LiteDensifier(load_lite(args.after)))
    pairs: Pairs = {}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for name, case, values in measured(encoders, args.scenes, args.real):
        pairs.setdefault(name, {})[case] = values
        args.out.write_text(json.dumps(pairs, indent=1))
    for name, by_case in pairs.items():
        log.info("%s", line(name, by_case))


def measured(
    encoders: Encoders, scenes: int, real: Path | None
) -> Iterator[tuple[str, str, tuple[float, float]]]:
    """Names of figures and cases, and the figure of both encoders."""
    if real is not None:
        yield from clip_pairs(encoders, real)
        yield from photograph_pairs(encoders, real)
    for world in World:
        yield from synthetic_pairs(encoders, world, scenes)


def synthetic_pairs(
    encoders: Encoders, world: World, scenes: int
) -> Iterator[tuple[str, str, tuple[float, float]]]:
    """Errors of dense motion on test scenes, by number of tracks and place."""
    for index in range(scenes):
        scene = scene_at(world, Split.TEST, index)
        for count in SYNTHETIC_COUNTS:
            case = case_of(scene, index, count, seed=0)
            before, after = (
                dense_errors(
                    densifier(case.image, case.tracks).displacement, case.truth, case.tracks
                )
                for densifier in encoders
            )
            for place in SYNTHETIC_PLACES:
                name = f"{world.value} {place} N={count}"
                yield name, str(index), (before[place], after[place])


def clip_pairs(encoders: Encoders, folder: Path) -> Iterator[tuple[str, str, tuple[float, float]]]:
    """Errors at tracks that are not given, by scene: "held out" scenes, and "no scene trained on"
    with those whose clips may not be trained on."""
    names = clip_names(folder)
    held_out = held_out_scenes(names)
    # A scene related to a held-out one is no independent pair.
    left_out = set(map(scene_of, training_clip_names(folder)))
    left_out |= related_scenes(held_out) - held_out
    scenes: dict[str, list[str]] = {}
    for name in names:
        if scene_of(name) not in left_out:
            scenes.setdefault(scene_of(name), []).append(name)
    for scene, clips in scenes.items():
        rows: dict[str, list[tuple[float, float]]] = {}
        for name in clips[:PER_SCENE]:
            for count, errors in clip_errors(encoders, folder, name).items():
                rows.setdefault(count, []).append(errors)
        for count, errors in rows.items():
            before, after = (figure(column).mean for column in zip(*errors, strict=True))
            yield f"clips, none trained on N={count}", scene, (before, after)
            if scene in held_out:
                yield f"clips, every third N={count}", scene, (before, after)


def clip_errors(encoders: Encoders, folder: Path, name: str) -> dict[str, tuple[float, float]]:
    """Errors of both encoders on a clip by number of tracks."""
    clip, found = tracked_clip(read_real_clip(folder, name)), {}
    for count in CLIP_COUNTS:
        given = given_tracks(clip, count, 0)
        if given is None:
            continue
        others, _ = held_out_tracks(clip, given)
        before, after = (
            track_error(densifier(clip.video[0], given).displacement, others)
            for densifier in encoders
        )
        found[count] = (before, after)
    return found


def photograph_pairs(
    encoders: Encoders, folder: Path
) -> Iterator[tuple[str, str, tuple[float, float]]]:
    """Figures of one drag on every sixth photograph."""
    methods = [_method(densifier) for densifier in encoders]
    for name in photograph_names(folder)[::EVERY_PHOTOGRAPH]:
        measure: Callable[[Method], dict[str, float]] = photograph_row(folder, name, None)
        before, after = (measure(method) for method in methods)
        for key in PHOTOGRAPH_FIGURES:
            yield f"photographs {key}", name, (before[key], after[key])


def line(name: str, by_case: dict[str, tuple[float, float]]) -> str:
    """One figure as text: means, and the paired difference with its standard error."""
    known = [pair for pair in by_case.values() if not any(map(math.isnan, pair))]
    if not known:
        return f"{name:32} no case"
    before, after = (figure(list(column)) for column in zip(*known, strict=True))
    change = figure([second - first for first, second in known])
    return (
        f"{name:32} {before.mean:9.3f} ± {before.error:7.3f} {after.mean:9.3f}"
        f" {change.mean:+9.3f} ± {change.error:7.3f} ({len(known)})"
    )


def _method(densifier: LiteDensifier) -> Method:
    method = Method("lite")
    method.densifier = densifier
    return method


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    main()
