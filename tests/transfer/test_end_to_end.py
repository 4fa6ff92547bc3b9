"""From pixels to pixels: a rendered vibration is tracked, magnified, drafted and tracked again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from motion_core.draft import LAYERED, draft
from motion_core.geometry import Size
from motion_core.trackers import LucasKanade, point_queries
from motion_core.tracks import Tracks, grid_points
from motion_core.transfer import FrequencyBand, MagnifySettings, magnify_motion

SIZE = Size(160, 120)
FPS, HERTZ, FRAMES = 20.0, 1.0, 41
AMPLITUDE = 0.2


def wall(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A texture known at every real position: waves of several directions and lengths."""
    rng = np.random.default_rng(0)
    grey = np.zeros_like(x)
    for _ in range(24):
        angle, length, phase = rng.uniform(0, 2 * np.pi, 3) * (1, 0, 1) + (0, rng.uniform(7, 25), 0)
        way = np.cos(angle) * x + np.sin(angle) * y
        grey += np.sin(2 * np.pi * way / length + phase)
    return 0.5 + 0.4 * grey / np.abs(grey).max()


def rendered(amplitude: float = AMPLITUDE) -> torch.Tensor:
    """(T, H, W, 3) uint8 of the wall shaking sideways by `amplitude` px, with sensor noise."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width] + 0.5
    frames = []
    for frame in range(FRAMES):
        shift = amplitude * math.sin(2 * math.pi * HERTZ * frame / FPS)
        grey = wall(columns - shift, rows) + rng.normal(0, 0.01, rows.shape)
        frames.append(np.repeat((grey.clip(0, 1) * 255).round().astype(np.uint8)[..., None], 3, 2))
    return torch.from_numpy(np.stack(frames))


def followed(video: torch.Tensor) -> Tracks:
    """A grid away from the rim, followed by the pack's own Lucas-Kanade tracker."""
    start = grid_points(SIZE, 10.0)
    start = start[((start > 15) & (start < torch.tensor(SIZE) - 15)).all(dim=1)]
    return replace(LucasKanade().track(video, point_queries(start)), fps=FPS)


def amplitudes(tracks: Tracks) -> torch.Tensor:
    """(N,) size of each track's sideways vibration at the known frequency."""
    time = torch.arange(tracks.num_frames, dtype=torch.float64) / FPS
    turn = 2 * math.pi * HERTZ * time
    basis = torch.stack([torch.sin(turn), torch.cos(turn), torch.ones_like(time)], -1)
    waves = torch.linalg.lstsq(basis, tracks.xy[..., 0].double()).solution
    return waves[:2].norm(dim=0)


@pytest.fixture(scope="module")
def tracked() -> Tracks:
    return followed(rendered())


@pytest.mark.parametrize("band", [FrequencyBand(), FrequencyBand(0.4, 2.5)])
def test_a_recorded_fifth_of_a_pixel_is_magnified_16x(tracked: Tracks, band: FrequencyBand) -> None:
    larger = magnify_motion(tracked, MagnifySettings(16.0, band=band))
    assert float(amplitudes(larger).median()) == pytest.approx(16 * AMPLITUDE, rel=0.1)


@pytest.mark.slow
def test_the_drafted_video_moves_sixteen_times_as_far(tracked: Tracks) -> None:
    larger = magnify_motion(tracked, MagnifySettings(16.0))
    first = rendered()[0].float() / 255
    video = (draft(first, larger, method=LAYERED) * 255).round().to(torch.uint8)
    again = followed(video)
    assert float(amplitudes(again).median()) == pytest.approx(16 * AMPLITUDE, rel=0.1)
