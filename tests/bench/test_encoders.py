"""The comparison of two encoders: paired differences and what is left out."""

from __future__ import annotations

import math

import pytest

from bench.encoders import Encoders, line, synthetic_pairs
from motion_core.evaluation.cases import World
from motion_core.models.lite.densifier import LiteDensifier
from motion_core.models.lite.load import load_lite


def test_a_line_gives_means_and_the_paired_difference() -> None:
    # Differences -1, -2 and -3: mean -2, deviation 1, error 1 / sqrt(3). NaN is no case.
    pairs = {"a": (1.0, 0.0), "b": (11.0, 9.0), "c": (21.0, 18.0), "d": (math.nan, 3.0)}
    words = line("error", pairs).split()
    assert words[:2] == ["error", "11.000"] and words[4] == "9.000"
    assert words[5] == "-2.000" and float(words[7]) == pytest.approx(1 / math.sqrt(3), abs=1e-3)
    assert words[-1] == "(3)"
    assert line("error", {"d": (math.nan, 3.0)}).endswith("no case")


@pytest.mark.slow
def test_both_encoders_are_measured_on_the_same_cases() -> None:
    densifier = LiteDensifier(load_lite())
    encoders: Encoders = (densifier, densifier)
    pairs = list(synthetic_pairs(encoders, World.OURS, 1))
    assert len({name for name, _, _ in pairs}) == len(pairs) == 18
    for _, _, (before, after) in pairs:
        assert before == after or (math.isnan(before) and math.isnan(after))
