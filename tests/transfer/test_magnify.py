"""Vibrations of known size, magnified and measured again by least squares."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.geometry import Size
from motion_core.tracks import Tracks, grid_points, make_tracks
from motion_core.transfer import FrequencyBand, MagnifySettings, magnify_motion
from motion_core.transfer.neighbours import smooth_space

SIZE = Size(160, 120)
FPS = 20.0


def vibrating(
    amplitude: float = 0.2, hertz: float = 1.0, frames: int = 61, noise: float = 0.0, seed: int = 0
) -> Tracks:
    """A grid that vibrates sideways as one, seen with noise that no two points share."""
    start = grid_points(SIZE, 10.0)
    time = torch.arange(frames) / FPS
    shift = amplitude * torch.sin(2 * math.pi * hertz * time)
    xy = start + torch.stack([shift, torch.zeros(frames)], -1)[:, None]
    xy = xy + noise * torch.randn(xy.shape, generator=torch.Generator().manual_seed(seed))
    return make_tracks(xy, SIZE, fps=FPS)


def amplitude_of(tracks: Tracks, hertz: float) -> float:
    """The size of the sideways vibration at one frequency, over all visible points."""
    time = torch.arange(tracks.num_frames, dtype=torch.float64) / FPS
    waves = [torch.sin(2 * math.pi * hertz * time), torch.cos(2 * math.pi * hertz * time)]
    basis = torch.stack([*waves, torch.ones_like(time)], -1)
    moved = (tracks.xy - tracks.xy[:1])[..., 0].double().mean(dim=1, keepdim=True)
    sine, cosine, _ = torch.linalg.lstsq(basis, moved).solution.flatten().tolist()
    return math.hypot(sine, cosine)


def test_without_smoothing_it_is_the_displacement_times_the_factor() -> None:
    tracks = vibrating()
    result = magnify_motion(tracks, MagnifySettings(8.0, 0.0, 0.0))
    expected = tracks.xy[:1] + 8 * (tracks.xy - tracks.xy[:1])
    torch.testing.assert_close(result.xy, expected, atol=1e-3, rtol=0)
    assert torch.equal(result.xy[0], tracks.xy[0])
    same = magnify_motion(tracks, MagnifySettings(1.0, 0.0, 0.0))
    torch.testing.assert_close(same.xy, tracks.xy, atol=1e-5, rtol=0)


def test_a_fifth_of_a_pixel_in_as_much_noise_is_magnified_sixteen_times() -> None:
    """0.2 px at 1 Hz, every point seen with 0.2 px of its own noise."""
    tracks = vibrating(noise=0.2)
    result = magnify_motion(tracks, MagnifySettings(factor=16.0))
    assert amplitude_of(result, 1.0) == pytest.approx(16 * 0.2, rel=0.1)
    spread = (result.xy - result.xy[:1] - vibrating(3.2).xy + vibrating(3.2).xy[:1]).std()
    raw = 16 * (tracks.xy - tracks.xy[:1] - vibrating().xy + vibrating().xy[:1]).std()
    assert spread < 0.2 * raw, "smoothing takes most of the noise away"


def test_a_band_magnifies_its_own_frequencies_alone() -> None:
    frames = 161
    slow, fast = vibrating(3.0, 0.125, frames), vibrating(0.2, 2.0, frames)
    both = make_tracks(slow.xy + fast.xy - fast.xy[:1], SIZE, fps=FPS)
    settings = MagnifySettings(16.0, 0.0, 0.0, FrequencyBand(1.0, 4.0))
    result = magnify_motion(both, settings)
    assert amplitude_of(result, 2.0) == pytest.approx(3.2, rel=0.05)
    assert amplitude_of(result, 0.125) == pytest.approx(3.0, rel=0.05)
    low = magnify_motion(both, MagnifySettings(4.0, 0.0, 0.0, FrequencyBand(high_hz=0.6)))
    assert amplitude_of(low, 0.125) == pytest.approx(12.0, rel=0.05)
    assert amplitude_of(low, 2.0) == pytest.approx(0.2, rel=0.05)


def test_the_filter_delays_nothing_and_halves_at_its_cut_off() -> None:
    time = torch.arange(400) / FPS
    for hertz, gain in ((1.0, 0.5), (0.1, 1.0), (6.0, 0.0)):
        wave = torch.cos(2 * math.pi * hertz * time)[:, None].double().numpy()
        found = FrequencyBand(high_hz=1.0).filtered(wave, FPS)[100:300, 0]
        wanted = gain * wave[100:300, 0]
        assert abs(found - wanted).max() < 0.01


def test_gaps_do_not_ring() -> None:
    tracks = vibrating(frames=121)
    visible = tracks.visible.clone()
    visible[50:60, ::3] = False
    xy = tracks.xy.clone()
    xy[50:60, ::3] = 0.0
    gaps = make_tracks(xy, SIZE, visible=visible, fps=FPS)
    settings = MagnifySettings(16.0, 0.0, 0.0, FrequencyBand(0.3, 3.0))
    whole, found = magnify_motion(tracks, settings), magnify_motion(gaps, settings)
    error = (found.xy - whole.xy)[visible].abs()
    assert error.max() < 0.5 * 3.2, "bridged over half a period, nothing more"
    assert torch.equal(found.xy[50:60, ::3], xy[50:60, ::3]), "placeholders stay"


def test_space_smoothing_is_a_weighted_mean_of_displacements() -> None:
    """Against two loops."""
    generator = torch.Generator().manual_seed(4)
    xy = torch.rand(5, 9, 2, generator=generator) * 40
    visible = torch.rand(5, 9, generator=generator) < 0.7
    visible[0, :6] = True
    tracks = make_tracks(xy, SIZE, visible=visible)
    found = smooth_space(tracks, 9.0)
    since = [visible[:, n].nonzero()[0, 0].item() if visible[:, n].any() else 0 for n in range(9)]
    for t in range(5):
        for n in range(9):
            if not visible[t, n]:
                assert torch.equal(found.xy[t, n], xy[t, n])
                continue
            total, mean = 0.0, torch.zeros(2, dtype=torch.float64)
            for m in range(9):
                if not visible[t, m] or since[m] != since[n]:
                    continue
                gap = float((xy[since[n], n] - xy[since[m], m]).double().norm())
                weight = math.exp(-0.5 * (gap / 9.0) ** 2) if gap <= 36.0 else 0.0
                mean += weight * (xy[t, m] - xy[since[m], m]).double()
                total += weight
            wanted = xy[since[n], n] + mean / total
            torch.testing.assert_close(found.xy[t, n].double(), wanted, atol=1e-4, rtol=0)


def test_blocks_of_neighbours_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = vibrating(noise=0.3, frames=5)
    whole = smooth_space(tracks, 15.0)
    monkeypatch.setattr("motion_core.transfer.neighbours.BLOCK_WEIGHTS", 1000)
    steps: list[tuple[int, int]] = []
    parts = smooth_space(tracks, 15.0, progress=lambda done, total: steps.append((done, total)))
    torch.testing.assert_close(parts.xy, whole.xy, atol=1e-5, rtol=0)
    assert len(steps) > 10
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize(("sigma", "period"), [(1.0, 20.0), (2.0, 20.0), (1.0, 5.0)])
def test_time_smoothing_weakens_a_vibration_as_documented(sigma: float, period: float) -> None:
    hertz = FPS / period
    result = magnify_motion(vibrating(hertz=hertz), MagnifySettings(10.0, 0.0, sigma))
    gaussian = math.exp(-2 * (math.pi * sigma / period) ** 2)
    middle = make_tracks(result.xy[10:51], SIZE, fps=FPS)
    kept = 1 - (1 - gaussian) ** 2
    assert amplitude_of(middle, hertz) == pytest.approx(2.0 * kept, rel=0.005)


def test_a_placeholder_never_reaches_a_visible_point() -> None:
    tracks = vibrating(frames=9)
    xy, visible = tracks.xy.clone(), tracks.visible.clone()
    xy[4, ::2], visible[4, ::2] = 3e38, False
    found = magnify_motion(make_tracks(xy, SIZE, visible=visible, fps=FPS))
    assert torch.equal(found.xy[~visible], xy[~visible])
    assert found.xy[visible].abs().max() < 200


def test_a_moving_camera_is_held_still_first() -> None:
    """A pan of a pixel a frame over a still wall, on which a few points vibrate."""
    tracks = vibrating(0.0, noise=0.02)
    wobble = vibrating().xy - vibrating(0.0).xy
    is_moving = torch.zeros(tracks.num_points, dtype=torch.bool)
    is_moving[60:80] = True
    pan = torch.arange(tracks.num_frames)[:, None, None] * torch.tensor([1.0, 0.5])
    xy = tracks.xy + pan + wobble * is_moving[:, None]
    encode_video = make_tracks(xy, SIZE, fps=FPS)
    settings = MagnifySettings(16.0, 0.0, 0.5, camera="similarity")
    result = magnify_motion(encode_video, settings)
    part = make_tracks(result.xy[:, is_moving], SIZE, fps=FPS)
    rest = make_tracks(result.xy[:, ~is_moving], SIZE, fps=FPS)
    assert amplitude_of(part, 1.0) == pytest.approx(3.2, rel=0.1)
    assert amplitude_of(rest, 1.0) < 0.32
    assert (result.xy - result.xy[:1]).abs().max() < 6, "the pan is gone"


def test_what_cannot_be_magnified_is_refused() -> None:
    no_rate = make_tracks(vibrating().xy, SIZE)
    with pytest.raises(ValueError, match="needs the frame rate"):
        magnify_motion(no_rate, MagnifySettings(band=FrequencyBand(1.0, 2.0)))
    with pytest.raises(ValueError, match="high_hz must be below half the frame rate, 10 Hz"):
        magnify_motion(vibrating(), MagnifySettings(band=FrequencyBand(1.0, 10.0)))
    with pytest.raises(ValueError, match="low_hz must be at least 2e-05 Hz at 20 fps"):
        magnify_motion(vibrating(), MagnifySettings(band=FrequencyBand(1e-9, 2.0)))
    with pytest.raises(ValueError, match="low_hz must be below high_hz"):
        FrequencyBand(3.0, 2.0)
    with pytest.raises(ValueError, match="finite"):
        MagnifySettings(factor=float("nan"))
    with pytest.raises(ValueError, match="0 or more"):
        MagnifySettings(space_sigma=-1.0)


@pytest.mark.parametrize(("frames", "points"), [(0, 0), (1, 0), (1, 3), (2, 1), (3, 5)])
def test_the_smallest_clips_pass(frames: int, points: int) -> None:
    xy = torch.rand(frames, points, 2, generator=torch.Generator().manual_seed(0))
    tracks = make_tracks(xy, SIZE, fps=FPS)
    result = magnify_motion(tracks, MagnifySettings(4.0, band=FrequencyBand(1.0, 4.0)))
    assert result.xy.shape == tracks.xy.shape
    if frames == 1:
        assert torch.equal(result.xy, tracks.xy)


def test_a_stop_reaches_the_caller() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        magnify_motion(vibrating(), progress=stop)
