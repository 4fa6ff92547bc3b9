"""The protocol: same questions for all, disjoint seeds, honest means."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from motion_core.evaluation.baselines import Method, Question, nearest, rest
from motion_core.evaluation.protocol import COUNTS, DRAG, FAMILIES, cases, figure, measure, tuned
from motion_core.evaluation.report import as_markdown, as_values
from motion_core.training.scenes import Split


def test_questions_are_the_same_for_everyone_and_differ_by_seed() -> None:
    one, same, other = (next(cases(Split.TEST, 1, "16", seed)) for seed in (0, 0, 1))
    assert torch.equal(one.question.tracks.xy, same.question.tracks.xy)
    assert torch.equal(one.question.image, other.question.image)
    assert not torch.equal(one.question.tracks.xy, other.question.tracks.xy)


def test_no_scene_is_in_two_splits() -> None:
    seeds = [{split.seed(index) for index in range(300)} for split in Split]
    assert len(set.union(*seeds)) == 900
    train, test = (next(cases(split, 1, "4", 0)) for split in (Split.TRAIN, Split.TEST))
    assert not torch.equal(train.question.image, test.question.image)


@pytest.mark.parametrize("count", [count for count in COUNTS if count != DRAG])
def test_every_count_asks_with_that_many_tracks(count: str) -> None:
    assert next(cases(Split.TEST, 1, count, 0)).question.tracks.num_points == int(count)


def test_the_truth_agrees_with_its_tracks() -> None:
    """Reading the true field at the tracks' starts errs only by the grid's coarseness."""
    figures = measure({"truth": answer_of_test(), "rest": rest}, 2, "64", [0])
    assert figures["truth"]["frame"].mean == 0.0
    assert figures["truth"]["tracks"].mean < 0.3 * figures["rest"]["tracks"].mean


def answer_of_test() -> Method:
    """A method that knows the first test scenes by heart."""
    known = {float(c.question.image.sum()): c.truth for c in cases(Split.TEST, 2, "64", 0)}

    def answer(question: Question) -> torch.Tensor:
        return known[float(question.image.sum())].displacement

    return answer


def test_tuning_chooses_one_setting_of_each_family() -> None:
    chosen = tuned(1, "16", 0)
    assert len(chosen) == len(FAMILIES)
    names = {name.split(" (")[0] for name in chosen}
    assert names == set(FAMILIES)


def test_more_tracks_leave_less_to_guess() -> None:
    few, many = (measure({"nearest": nearest}, 3, count, [0])["nearest"] for count in ("4", "256"))
    assert many["frame"].mean < few["frame"].mean


def test_means_and_their_errors() -> None:
    one = figure([1.0, 3.0, math.nan, 5.0])
    assert (one.mean, one.clips) == (3.0, 3)
    assert one.error == pytest.approx(np.std([1, 3, 5], ddof=1) / math.sqrt(3))
    assert figure([math.nan]).clips == 0


def test_the_report_is_json_and_marks_the_best() -> None:
    table = {"4": measure({"nearest": nearest, "rest": rest}, 2, "4", [0])}
    values = json.loads(json.dumps(as_values(table, {"clips": 2}), allow_nan=False))
    assert values["errors"]["4"]["nearest"]["frame"]["clips"] == 2
    text = as_markdown(table)
    best = min(table["4"].values(), key=lambda places: places["frame"].mean)["frame"]
    assert f"**{best.mean:.2f} ± {best.error:.2f}**" in text
    assert "| nearest |" in text
