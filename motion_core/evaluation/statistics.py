"""Means and medians over clips, and their standard errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Figure:
    """A mean or median over clips with its standard error, and how many clips it is of."""

    mean: float
    error: float
    clips: int


def figure(values: Sequence[float]) -> Figure:
    """Mean and standard error of what is not NaN."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Figure(math.nan, math.nan, 0)
    spread = float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return Figure(float(np.mean(known)), spread, len(known))


def median_figure(values: Sequence[float]) -> Figure:
    """Median of what is not NaN, with the standard deviation of RESAMPLES bootstrap medians.

    The resampling is seeded: the same values give the same error.
    """
    known = np.array([value for value in values if not math.isnan(value)], np.float64)
    if not len(known):
        return Figure(math.nan, math.nan, 0)
    picks = np.random.default_rng(0).integers(0, len(known), (RESAMPLES, len(known)))
    spread = float(np.median(known[picks], axis=1).std()) if len(known) > 1 else math.nan
    return Figure(float(np.median(known)), spread, len(known))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """The ratio of two means over the same clips.

    Its error is that of a ratio of paired means (delta method). Clips where either value is NaN do
    not count.

    Args:
        ours: a value per clip, the numerator.
        theirs: a value per clip, the denominator.

    Returns:
        NaN where no clip counts or the denominator is 0.
    """
    pairs = np.array([ours, theirs], np.float64)
    first, second = pairs[:, ~np.isnan(pairs).any(axis=0)]
    if not len(first) or not second.mean():
        return Figure(math.nan, math.nan, 0)
    value = float(first.mean() / second.mean())
    if len(first) < 2:
        return Figure(value, math.nan, len(first))
    spread = np.std(first - value * second, ddof=1) / math.sqrt(len(first)) / abs(second.mean())
    return Figure(value, float(spread), len(first))
