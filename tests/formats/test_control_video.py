"""Control videos, against drawings made pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.formats import discs, ltx_frame_count, ltx_trails
from motion_core.geometry import Size
from motion_core.tracks.canvas import scale_to
from motion_core.tracks.model import empty_tracks, make_tracks


def ramp(share):
    """Blue to green to yellow to red, in three straight pieces."""
    if share <= 1 / 3:
        return (0.0, 3 * share, 1 - 3 * share)
    if share <= 2 / 3:
        return (3 * share - 1, 1.0, 0.0)
    return (1.0, 3 - 3 * share, 0.0)


def plain_trails(tracks, frame):
    """One frame of the LTX control video: every disc painted in turn on the large canvas."""
    width, height = tracks.size
    short = min(width, height)
    large = np.zeros((int(height * 1080 / short), int(width * 1080 / short), 3), dtype=np.float32)
    rows, columns = np.mgrid[: large.shape[0], : large.shape[1]]
    for age in range(50, -1, -1):
        if frame - age < 0:
            continue
        share = 1 - age / 50
        for point in range(tracks.num_points):
            if tracks.visible[frame - age, point]:
                x, y = tracks.xy[frame - age, point].tolist()
                x, y = round(x * large.shape[1] / width), round(y * large.shape[0] / height)
                part = np.s_[max(y - 9, 0) : max(y + 10, 0), max(x - 9, 0) : max(x + 10, 0)]
                inside = (columns[part] - x) ** 2 + (rows[part] - y) ** 2 <= (2 + 6 * share) ** 2
                large[part][inside] = ramp(share)[::-1]
    picture = torch.from_numpy(large).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(picture, (height, width), mode="bilinear")
    return small[0].permute(1, 2, 0)


@pytest.mark.parametrize("size", [Size(60, 36), Size(30, 44)], ids=str)
def test_trails_equal_the_plain_drawing(size):
    generator = torch.Generator().manual_seed(1)
    start = torch.rand(1, 3, 2, generator=generator) * torch.tensor([*size])
    step = torch.randn(1, 3, 2, generator=generator) * 0.6
    visible = torch.rand(54, 3, generator=generator) > 0.2
    xy = start + step * torch.arange(54)[:, None, None]
    tracks = make_tracks(xy, size, visible=visible)
    video = ltx_trails(tracks)
    assert (video.shape, video.dtype) == ((54, size.height, size.width, 3), torch.float32)
    for frame in (0, 53):
        assert (video[frame] - plain_trails(tracks, frame)).abs().max() < 1e-4


def test_the_newest_disc_is_blue_and_the_oldest_red():
    xy = torch.stack([torch.arange(60) + 2.5, torch.full((60,), 20.5)], dim=-1)[:, None]
    last = ltx_trails(make_tracks(xy, Size(64, 40)))[-1]
    assert last[20, 61].tolist() == pytest.approx([0, 0, 1], abs=0.01)
    red, green, blue = last[20, 13].tolist()
    assert red > 0.5 > green + blue
    assert last[20, :8].max() == 0  # older than fifty frames


def test_discs_cover_what_the_circle_covers():
    tracks = make_tracks(torch.tensor([[[30.3, 20.7]]]), Size(64, 48))
    radius, fine = 0.2 * 48, 16
    rows, columns = np.mgrid[: 48 * fine, : 64 * fine]
    inside = ((columns + 0.5) / fine - 30.3) ** 2 + ((rows + 0.5) / fine - 20.7) ** 2 <= radius**2
    share = inside.reshape(48, fine, 64, fine).mean((1, 3))
    video = discs(tracks, radius_frac=0.2)
    assert video.shape == (1, 48, 64, 3)
    assert np.abs(video[0].numpy() - share[..., None]).max() < 0.08
    assert video[0, ..., 0].sum() == pytest.approx(share.sum(), rel=0.005)


def test_overlapping_discs_are_as_white_as_one():
    pair = make_tracks(torch.tensor([[[20.0, 20.0], [24.0, 20.0]]]), Size(48, 40))
    one, two = (discs(make_tracks(pair.xy[:, index : index + 1], pair.size)) for index in (0, 1))
    assert torch.equal(discs(pair), torch.maximum(one, two))


@pytest.mark.parametrize("draw", [ltx_trails, discs])
def test_lost_points_and_other_sizes(draw):
    xy = torch.tensor([[[20.5, 20.5]], [[20.5, 20.5]]])
    tracks = make_tracks(xy, Size(48, 40), visible=torch.tensor([[False], [True]]))
    video = draw(tracks)
    assert video[0].max() == 0
    assert video[1].max() > 0.9
    larger = draw(tracks, Size(96, 80))
    assert torch.equal(larger, draw(scale_to(tracks, Size(96, 80))))


@pytest.mark.parametrize("draw", [ltx_trails, discs])
def test_nothing_to_draw_is_black(draw):
    assert draw(empty_tracks(3, Size(48, 40))).max() == 0
    assert draw(empty_tracks(0, Size(48, 40))).shape == (0, 40, 48, 3)
    far = torch.tensor([[[3e38, -3e38], [-1e9, 20.0]]])
    assert draw(make_tracks(far, Size(48, 40))).max() == 0


@pytest.mark.parametrize("draw", [ltx_trails, discs])
def test_progress_counts_frames_and_can_stop(draw):
    tracks = empty_tracks(3, Size(48, 40))
    shown = []
    draw(tracks, progress=lambda done, total: shown.append((done, total)))
    assert shown == [(1, 3), (2, 3), (3, 3)]

    def stop(done, total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        draw(tracks, progress=stop)


def test_ltx_frame_counts():
    counts = {0: 1, 1: 1, 2: 9, 9: 9, 10: 17, 81: 81, 82: 89}
    assert {frames: ltx_frame_count(frames) for frames in counts} == counts
    with pytest.raises(ValueError, match="0 or more"):
        ltx_frame_count(-1)


@pytest.mark.parametrize("radius", [0.0, -1.0, 1.5, float("nan")])
def test_a_radius_that_draws_nothing_is_refused(radius):
    with pytest.raises(ValueError, match="radius_frac"):
        discs(empty_tracks(1, Size(8, 8)), radius_frac=radius)
