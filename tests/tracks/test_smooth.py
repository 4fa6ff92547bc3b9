from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from motion_core.geometry import Size
from motion_core.tracks import (
    Tracks,
    make_tracks,
    reverse,
    smooth_time,
    static_tracks,
    transform,
)

from .clips import assert_same, random_tracks, tracks_strategy

CANVAS = Size(64, 48)
sigmas = st.floats(0, 20)


@given(tracks=tracks_strategy(), sigma=sigmas)
def test_placeholders_and_visibility_stay(tracks: Tracks, sigma: float) -> None:
    smoothed = smooth_time(tracks, sigma)
    assert torch.equal(smoothed.visible, tracks.visible)
    assert torch.equal(smoothed.xy[~tracks.visible], tracks.xy[~tracks.visible])


@given(tracks=tracks_strategy())
def test_sigma_zero_changes_nothing(tracks: Tracks) -> None:
    assert_same(smooth_time(tracks, 0), tracks)
    assert_same(smooth_time(tracks, 1e-300), tracks, atol=1e-4)


@given(tracks=tracks_strategy(least_frames=2), sigma=st.floats(0.05, 20))
def test_smoothing_equals_the_weighted_mean_of_visible_frames(tracks: Tracks, sigma: float) -> None:
    smoothed = smooth_time(tracks, sigma)
    reach = math.ceil(4 * sigma)
    for frame, point in torch.nonzero(tracks.visible).tolist():
        used = [
            (math.exp(-0.5 * ((other - frame) / sigma) ** 2), other)
            for other in range(tracks.num_frames)
            if tracks.visible[other, point] and abs(other - frame) <= reach
        ]
        mean = sum(w * tracks.xy[f, point].double() for w, f in used) / sum(w for w, _ in used)
        torch.testing.assert_close(smoothed.xy[frame, point].double(), mean, rtol=0, atol=1e-3)


def test_inside_a_long_clip_it_is_scipys_gaussian() -> None:
    tracks = random_tracks(600, 3, CANVAS, shown=1.0)
    wanted = gaussian_filter1d(tracks.xy.double().numpy(), 3.0, axis=0, radius=12)
    got = smooth_time(tracks, 3.0).xy.double().numpy()
    np.testing.assert_allclose(got[12:-12], wanted[12:-12], atol=1e-4)


@given(tracks=tracks_strategy(), sigma=sigmas, angle=st.floats(-180, 180))
def test_smoothing_commutes_with_moving_the_canvas_and_reversing(
    tracks: Tracks, sigma: float, angle: float
) -> None:
    turned = transform(tracks, dx=3, rotate_deg=angle, scale=1.3)
    assert_same(
        smooth_time(turned, sigma),
        transform(smooth_time(tracks, sigma), dx=3, rotate_deg=angle, scale=1.3),
        atol=1e-2,
    )
    assert_same(reverse(smooth_time(tracks, sigma)), smooth_time(reverse(tracks), sigma), atol=1e-3)


@given(sigma=sigmas, frames=st.integers(1, 12))
def test_a_still_point_stays_still(sigma: float, frames: int) -> None:
    still = static_tracks(torch.tensor([[63.3, 0.1], [-900.0, 12.7]]), frames, CANVAS)
    assert_same(smooth_time(still, sigma), still, atol=1e-3)


def test_a_gap_pulls_on_nobody() -> None:
    xy = torch.full((9, 1, 2), 10.0)
    xy[4] = 1e6
    visible = torch.arange(9)[:, None] != 4
    gap = make_tracks(xy, CANVAS, visible=visible)
    assert_same(smooth_time(gap, 2), gap, atol=1e-4)


def test_an_enormous_sigma_gives_the_mean() -> None:
    tracks = random_tracks(7, 4, CANVAS, shown=1.0)
    mean = tracks.xy.mean(dim=0, keepdim=True).expand(7, -1, -1)
    torch.testing.assert_close(smooth_time(tracks, 1e9).xy, mean, rtol=0, atol=1e-3)


@pytest.mark.parametrize("sigma", [-1, math.nan, math.inf])
def test_bad_sigmas_are_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match="sigma must be"):
        smooth_time(random_tracks(4, 2, CANVAS), sigma)
    with pytest.raises(TypeError, match="sigma must be a number"):
        smooth_time(random_tracks(4, 2, CANVAS), "1")  # pyright: ignore[reportArgumentType]


def test_progress_counts_frames_and_can_stop_the_work() -> None:
    shown: list[tuple[int, int]] = []
    smooth_time(
        random_tracks(600, 1, CANVAS), 2, progress=lambda done, total: shown.append((done, total))
    )
    assert shown == [(256, 600), (512, 600), (600, 600)]
