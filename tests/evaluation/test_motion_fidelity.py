"""Motion fidelity against plain loops over the paper's equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.evaluation.motion_fidelity import motion_fidelity, track_similarity
from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

SIZE, FRAMES = Size(100, 80), 6


def walk(points: int, seed: int, hidden: float = 0.3) -> Tracks:
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(FRAMES, points, 2, generator=generator)
    steps[2, 0] = 0.0
    visible = torch.rand(FRAMES, points, generator=generator) > hidden
    visible[:2] = True
    return make_tracks(40 + steps.cumsum(dim=0), SIZE, visible=visible)


def slow_similarity(one: Tracks, other: Tracks, n: int, m: int) -> float:
    values = []
    for t in range(1, FRAMES):
        visible = [tracks.visible[t - 1 : t + 1, i].all() for tracks, i in ((one, n), (other, m))]
        if not all(bool(each) for each in visible):
            continue
        a = (one.xy[t, n] - one.xy[t - 1, n]).double().numpy()
        b = (other.xy[t, m] - other.xy[t - 1, m]).double().numpy()
        lengths = np.linalg.norm(a), np.linalg.norm(b)
        moves = [length > 1e-4 * 80 for length in lengths]
        value = float(a @ b / (lengths[0] * lengths[1])) if all(moves) else float(not any(moves))
        values.append(value)
    return float(np.mean(values)) if values else math.nan


def test_likeness_and_fidelity_are_those_of_plain_loops() -> None:
    one, other = walk(5, 0), walk(4, 1)
    slow = np.array([[slow_similarity(one, other, n, m) for m in range(4)] for n in range(5)])
    np.testing.assert_allclose(track_similarity(one, other).numpy(), slow, atol=1e-5)
    wanted = (np.nanmax(slow, axis=1).mean() + np.nanmax(slow, axis=0).mean()) / 2
    assert motion_fidelity(one, other) == pytest.approx(wanted, abs=1e-5)
    assert motion_fidelity(other, one) == pytest.approx(motion_fidelity(one, other), abs=1e-6)


def line(way: tuple[float, float], points: int = 3) -> Tracks:
    path = torch.arange(FRAMES)[:, None, None] * torch.tensor(way)
    start = torch.rand(points, 2, generator=torch.Generator().manual_seed(points)) * 50
    return make_tracks(start + path, SIZE)


@pytest.mark.parametrize(
    ("way", "fidelity"),
    [((2.0, 0.0), 1.0), ((0.3, 0.0), 1.0), ((0.0, 2.0), 0.0), ((-2.0, 0.0), -1.0), ((0, 0), 0.0)],
)
def test_direction_counts_and_neither_place_nor_speed(
    way: tuple[float, float], fidelity: float
) -> None:
    assert motion_fidelity(line(way, 7), line((1.0, 0.0))) == pytest.approx(fidelity, abs=1e-5)


def test_rest_is_alike_rest() -> None:
    assert motion_fidelity(line((0, 0)), line((0, 0), 5)) == pytest.approx(1.0)


def test_the_best_match_counts_both_ways() -> None:
    """A video that also does something else loses only on that."""
    extra = line((0.0, 1.0), 1)
    right = line((1.0, 0.0), 1)
    both = make_tracks(torch.cat([right.xy, extra.xy], dim=1), SIZE)
    assert motion_fidelity(both, right) == pytest.approx((0.5 + 1.0) / 2)


def test_nothing_in_common_is_no_number() -> None:
    hidden = walk(2, 3)
    nothing = make_tracks(hidden.xy, SIZE, visible=torch.zeros(FRAMES, 2, dtype=torch.bool))
    assert math.isnan(motion_fidelity(nothing, walk(2, 4)))
    assert math.isnan(motion_fidelity(empty_tracks(FRAMES, SIZE), walk(2, 4)))
    assert math.isnan(motion_fidelity(walk(2, 4), empty_tracks(FRAMES, SIZE)))
    with pytest.raises(ShapeError, match="Retime"):
        motion_fidelity(empty_tracks(3, SIZE), walk(2, 4))
