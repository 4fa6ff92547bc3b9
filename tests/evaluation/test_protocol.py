"""The protocol: the same cases for all, disjoint seeds, honest means, nothing measured twice."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError
from motion_core.evaluation.cases import COUNTS, DRAG, World, cases, scene_at
from motion_core.evaluation.journal import Journal
from motion_core.evaluation.methods import FAMILIES
from motion_core.evaluation.protocol import Study, by_scene, means, measure, tuned
from motion_core.evaluation.statistics import figure, ratio
from motion_core.fields.interpolation import NearestTrack, Rest
from motion_core.fields.motion_field import MotionField, field_on_canvas
from motion_core.layered_scenes.scenes import Split
from motion_core.progress import Progress, silent
from motion_core.tracks import Tracks

METHODS = {"nearest": NearestTrack(), "rest": Rest()}


def test_cases_are_the_same_for_every_method_and_differ_by_seed() -> None:
    one, same, other = (next(cases(Split.TEST, 1, "16", seed)) for seed in (0, 0, 1))
    assert torch.equal(one.tracks.xy, same.tracks.xy)
    assert torch.equal(one.image, other.image)
    assert not torch.equal(one.tracks.xy, other.tracks.xy)


def test_no_scene_is_in_two_splits() -> None:
    seeds = [{split.seed(index) for index in range(300)} for split in Split]
    held = (Split.VALIDATION, Split.TEST)
    others = [{scene_at(World.OTHER, split, index).seed for index in range(3)} for split in held]
    assert len(set.union(*seeds, *others)) == 906
    train, test = (next(cases(split, 1, "4", 0)) for split in (Split.TRAIN, Split.TEST))
    assert not torch.equal(train.image, test.image)
    with pytest.raises(ValueError, match="nothing is trained"):
        scene_at(World.OTHER, Split.TRAIN, 0)


@pytest.mark.parametrize("count", [count for count in COUNTS if count != DRAG])
def test_every_count_gives_that_many_tracks(count: str) -> None:
    assert next(cases(Split.TEST, 1, count, 0)).tracks.num_points == int(count)


def test_the_truth_agrees_with_its_tracks() -> None:
    """Reading the true field at the tracks' starts errs only by the grid's coarseness."""
    known = {float(c.image.sum()): c.truth for c in cases(Split.TEST, 2, "64", 0)}

    def truth(image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        return field_on_canvas(known[float(image.sum())].displacement, tracks.size)

    figures = means(measure(Study(), {**METHODS, "truth": truth}, 2, "64"))
    assert figures["truth"]["frame"].mean == 0.0
    assert figures["truth"]["tracks"].mean < 0.3 * figures["rest"]["tracks"].mean
    assert figures["truth"]["visible"].mean > figures["rest"]["visible"].mean


@pytest.mark.slow
def test_tuning_chooses_the_best_setting_of_each_family() -> None:
    study = Study()
    chosen = tuned(study, 1, "16")
    assert {name.split(" (")[0] for name in chosen} == set(FAMILIES)
    (row,) = study.journal.rows.values()
    best = min(row["thin plate"], key=row["thin plate"].__getitem__)
    assert f"thin plate ({best})" in chosen


@pytest.mark.slow
def test_more_tracks_leave_less_to_guess() -> None:
    few, many = (means(measure(Study(), METHODS, 3, count))["nearest"] for count in ("4", "256"))
    assert many["frame"].mean < few["frame"].mean


@pytest.mark.slow
def test_an_interrupted_study_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = measure(Study(seeds=(0, 1)), METHODS, 2, "4")
    path, settings = tmp_path / "report.json.journal", {"weights": "a"}

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(
            Study(seeds=(0, 1), journal=Journal(path, settings), progress=stop), METHODS, 2, "4"
        )
    path.write_bytes(path.read_bytes() + b'{"name": "ours/te')
    again = Journal(path, settings)
    assert len(again.rows) == 3
    steps: list[int] = []
    study = Study(seeds=(0, 1), journal=again, progress=lambda done, total: steps.append(done))
    np.testing.assert_equal(measure(study, METHODS, 2, "4"), whole)
    assert steps == [4], "only the missing row was measured"
    np.testing.assert_equal(Journal(path, settings).rows, again.rows)
    with pytest.raises(FormatError, match="something else"):
        Journal(path, {"weights": "b"})
    path.write_text("no journal\n", encoding="utf-8")
    with pytest.raises(FormatError, match="Delete it"):
        Journal(path, settings)


def test_means_and_their_errors() -> None:
    one = figure([1.0, 3.0, math.nan, 5.0])
    assert (one.mean, one.clips) == (3.0, 3)
    assert one.error == pytest.approx(np.std([1, 3, 5], ddof=1) / math.sqrt(3))
    assert figure([math.nan]).clips == 0
    rows = [[{"a": 1.0}, {"a": 3.0}], [{"a": 5.0}, {"a": math.nan}]]
    assert by_scene(rows) == {"a": [2.0, 5.0]}


def test_the_error_of_a_ratio_is_that_of_drawing_again() -> None:
    rng = np.random.default_rng(0)
    theirs = rng.uniform(4, 8, 200)
    ours = 0.6 * theirs + rng.normal(0, 0.5, 200)
    found = ratio(list(ours), list(theirs))
    picks = rng.integers(200, size=(4000, 200))
    drawn = ours[picks].mean(axis=1) / theirs[picks].mean(axis=1)
    assert found.mean == pytest.approx(ours.mean() / theirs.mean())
    assert found.error == pytest.approx(drawn.std(), rel=0.08)
    assert ratio([1.0, math.nan], [2.0, 2.0]).clips == 1
    assert ratio([1.0], [0.0]).clips == 0
