from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.image_files import read_image
from motion_core.overlay import OverlayStyle, contact_sheet, draw_tracks, draw_tracks_at
from motion_core.tracks import Tracks, empty_tracks, grid_points, make_tracks, static_tracks

CANVAS = Size(64, 48)
BARE = OverlayStyle(dot_radius=4, tail_frames=0)
GOLDEN = Path(__file__).with_name("overlay_golden.png")


def black(size: Size = CANVAS) -> Tensor:
    return torch.zeros(size.height, size.width, 3)


def at(*points: tuple[float, float], size: Size = CANVAS) -> Tracks:
    """Still points through two frames."""
    return static_tracks(points, 2, size)


def light(picture: Tensor) -> Tensor:
    """(H, W) float64 brightness."""
    return picture.double().sum(dim=-1)


def centroid(weights: Tensor) -> tuple[float, float]:
    """(x, y) of some light, in pixels with corners."""
    y, x = torch.meshgrid(*(torch.arange(side) + 0.5 for side in weights.shape), indexing="ij")
    return float((x * weights).sum() / weights.sum()), float((y * weights).sum() / weights.sum())


@given(x=st.floats(10, 54), y=st.floats(10, 38), radius=st.floats(1.5, 8))
@settings(max_examples=30, deadline=None)
def test_a_dot_is_a_disc_at_its_exact_place(x: float, y: float, radius: float) -> None:
    style = OverlayStyle(dot_radius=radius, tail_frames=0)
    drawn = light(draw_tracks(black(), at((x, y)), style)[1])
    assert centroid(drawn) == pytest.approx((x, y), abs=0.05)
    area = float(drawn.sum() / drawn.max())
    assert area == pytest.approx(math.pi * radius**2, rel=0.06)


def test_dots_show_on_black_and_on_white() -> None:
    for level in (0.0, 1.0):
        picture = torch.full((48, 64, 3), level)
        drawn = draw_tracks(picture, at((32.5, 24.5)), BARE)[0]
        contrast = (drawn - picture).abs().amax(dim=-1)
        assert float(contrast.max()) > 0.6
    # On white it is the outline that shows, five pixels from the centre.
    assert float(drawn[24, 37].max()) < 0.35


def test_nothing_is_drawn_for_what_is_not_visible() -> None:
    picture = torch.rand(48, 64, 3, generator=torch.Generator().manual_seed(0))
    hidden = replace(at((20, 20), (40, 30)), visible=torch.zeros(2, 2, dtype=torch.bool))
    for tracks in (hidden, empty_tracks(2, CANVAS), at((-50, 20), (1e30, -1e30))):
        for style in (OverlayStyle(), OverlayStyle(show_hidden=True)):
            drawn = draw_tracks(picture, tracks, style)
            assert torch.equal(drawn, picture.expand(2, -1, -1, -1))
    assert draw_tracks(picture, empty_tracks(0, CANVAS)).shape == (0, 48, 64, 3)


def test_nobody_reads_the_placeholder_of_a_hidden_point() -> None:
    xy = torch.tensor([[[10.0, 20]], [[14, 20]], [[0, 0]], [[22, 20]], [[26, 20]]])
    visible = torch.tensor([1, 1, 0, 1, 1]).bool()[:, None]
    tracks = make_tracks(xy, CANVAS, visible=visible)
    elsewhere = xy.clone()
    elsewhere[2] = torch.tensor([50.0, 40])
    for style in (OverlayStyle(), OverlayStyle(show_hidden=True)):
        one = draw_tracks(black(), tracks, style)
        other = draw_tracks(black(), replace(tracks, xy=elsewhere), style)
        assert torch.equal(one, other)


def test_a_hidden_point_stays_as_a_faint_ring_when_asked() -> None:
    visible = torch.tensor([1, 0, 0]).bool()[:, None]
    tracks = replace(static_tracks([[32.5, 24.5]], 3, CANVAS), visible=visible)
    style = replace(BARE, dot_radius=8, show_hidden=True)
    drawn = light(draw_tracks(black(), tracks, style))
    assert float(drawn[2, 24, 32]) == 0
    assert 0.3 < float(drawn[2, 24, 40] / drawn[0, 24, 32]) < 0.8
    assert centroid(drawn[2]) == pytest.approx((32.5, 24.5), abs=0.05)


def test_a_tail_follows_the_point_and_fades() -> None:
    x = torch.arange(10.0, 50, 4)
    xy = torch.stack((x, torch.full_like(x, 24.25)), dim=-1)[:, None]
    drawn = light(draw_tracks(black(), make_tracks(xy, CANVAS), OverlayStyle(dot_radius=2.0)))
    tail = drawn[-1][:, :42]
    assert centroid(tail)[1] == pytest.approx(24.25, abs=0.1)
    along = tail.sum(dim=0)[12:40:4]
    assert bool((along.diff() > 0).all())
    assert float(along[0]) > 0


def test_a_resting_point_loses_its_tail() -> None:
    x = torch.cat((torch.arange(10.0, 40, 3), torch.full((30,), 40.0)))
    xy = torch.stack((x, torch.full_like(x, 24.5)), dim=-1)[:, None]
    tracks = make_tracks(xy, CANVAS)
    moving = draw_tracks(black(), tracks, OverlayStyle(dot_radius=2, tail_frames=8))
    assert float(light(moving[9])[:, :34].sum()) > 1
    assert float(light(moving[-1])[:, :34].sum()) == 0
    assert torch.equal(draw_tracks(black(), tracks, replace(BARE, dot_radius=2))[-1], moving[-1])


def test_there_is_no_tail_across_a_gap() -> None:
    xy = torch.tensor([[[10.0, 24.0]], [[20, 24]], [[54, 24]]])
    visible = torch.tensor([1, 0, 1]).bool()[:, None]
    drawn = draw_tracks(black(), make_tracks(xy, CANVAS, visible=visible), OverlayStyle(2.0))
    assert float(light(drawn[2])[:, 14:50].sum()) == 0


def dot_colors(tracks: Tracks) -> Tensor:
    """(N, 3) the colour in the middle of each dot."""
    drawn = draw_tracks(black(tracks.size), tracks, OverlayStyle(2.0, tail_frames=0))[0]
    x, y = tracks.xy[0].long().unbind(dim=-1)
    return drawn[y, x]


def test_neighbours_share_hues_and_all_are_bright() -> None:
    size = Size(320, 240)
    across = torch.arange(8.5, 316, 10)
    grid = torch.cartesian_prod(across, torch.arange(8.5, 236, 10))
    colors = dot_colors(static_tracks(grid, 1, size))
    centre = (grid - torch.tensor([160.0, 120])).norm(dim=1) < 40
    gaps = torch.cdist(grid, grid)
    differences = torch.cdist(colors, colors)
    beside = (gaps < 11) & ~centre[:, None] & ~centre[None, :]
    assert float(differences[beside].max()) < 0.35
    assert float(differences.mean()) > 5 * float(differences[beside].mean())
    corners = colors[[0, 22, len(grid) - 1, len(grid) - 23]]
    assert float((torch.cdist(corners, corners) + torch.eye(4)).min()) > 0.3
    luma = colors @ torch.tensor([0.2126, 0.7152, 0.0722])
    assert float(luma.min()) > 0.45
    assert float(luma.max()) < 0.8


def test_the_color_stays_with_the_track() -> None:
    xy = torch.tensor([[[10.5, 10.5]], [[50.5, 40.5]]])
    drawn = draw_tracks(black(), make_tracks(xy, CANVAS), BARE)
    torch.testing.assert_close(drawn[0, 10, 10], drawn[1, 40, 50])


def test_dots_fit_the_canvas_and_each_other() -> None:
    def area(tracks: Tracks) -> float:
        drawn = light(draw_tracks(black(tracks.size), tracks, OverlayStyle(tail_frames=0))[0])
        return float((drawn > drawn.max() / 2).sum()) / tracks.num_points

    assert area(at((100, 100), size=Size(800, 600))) > 2 * area(at((32, 24)))
    crowded = static_tracks(grid_points(Size(800, 600), 8), 1, Size(800, 600))
    assert area(crowded) < 0.3 * 8**2


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16, torch.float64])
def test_dtype_and_the_picture_stay(dtype: torch.dtype) -> None:
    picture = torch.rand(48, 64, 3, generator=torch.Generator().manual_seed(0))
    picture = (picture * 255).to(dtype) if dtype == torch.uint8 else picture.to(dtype)
    before = picture.clone()
    tracks = at((20.25, 20.5), (44, 30))
    drawn = draw_tracks(picture, tracks, BARE)
    assert drawn.dtype == dtype
    assert torch.equal(picture, before)
    scale = 255 if dtype == torch.uint8 else 1
    wanted = draw_tracks(picture.float() / scale, tracks, BARE)
    torch.testing.assert_close(drawn.float() / scale, wanted, rtol=0, atol=0.0021)
    assert torch.equal(drawn[:, :8], picture[:8].expand(2, -1, -1, -1))


def test_a_video_gives_each_frame_its_own_picture_and_a_still_serves_all() -> None:
    video = torch.rand(2, 48, 64, 3, generator=torch.Generator().manual_seed(0))
    tracks = at((20, 20))
    drawn = draw_tracks(video, tracks)
    for frame in range(2):
        torch.testing.assert_close(drawn[frame], draw_tracks(video[frame], tracks)[frame])
        torch.testing.assert_close(drawn[frame], draw_tracks(video[frame][None], tracks)[frame])


def test_dim_darkens_the_picture_alone() -> None:
    white = torch.ones(48, 64, 3)
    plain, dimmed = (
        draw_tracks(white, at((32.5, 24.5)), replace(BARE, dim=dim))[0] for dim in (0.0, 0.4)
    )
    assert float(dimmed[0, 0, 0]) == pytest.approx(0.6)
    torch.testing.assert_close(dimmed[24, 32], plain[24, 32])


@pytest.mark.parametrize("x", [-1.0, 0.0, 0.3, 63.7, 64.0, 65.5])
def test_dots_on_the_edge_are_cut_not_moved(x: float) -> None:
    wide = Size(96, 80)
    whole = draw_tracks(black(wide), at((x + 16, 16.4), size=wide), BARE)[0]
    part = draw_tracks(black(), at((x, 0.4)), BARE)[0]
    # Colours depend on the canvas; where the dot lies does not.
    reference = light(whole)[16:64, 16:80]
    torch.testing.assert_close(
        light(part) / light(part).max(), reference / reference.max(), rtol=0, atol=2e-3
    )


@pytest.mark.parametrize(
    ("frames", "error", "says"),
    [
        (torch.zeros(48, 64), ShapeError, r"\(T, H, W, 3\)"),
        (torch.zeros(2, 48, 64, 4), ShapeError, r"\(T, H, W, 3\)"),
        (torch.zeros(3, 48, 64, 3), ShapeError, r"3 frames of video but 2 of tracks.*resample\(\)"),
        (torch.zeros(64, 48, 3), CanvasError, r"48x64 but the tracks' canvas is 64x48.*fit\(\)"),
        (torch.zeros(48, 64, 3, dtype=torch.int64), TypeError, "uint8, or floating"),
    ],
)
def test_bad_frames_are_refused(frames: Tensor, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        draw_tracks(frames, at((20, 20)))


@pytest.mark.parametrize(
    "values",
    [{"dot_radius": 0}, {"dot_radius": 1e9}, {"tail_frames": -1}, {"dim": 1.5}, {"dim": math.nan}],
)
def test_bad_styles_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(values))} must be"):
        OverlayStyle(**values)


def test_progress_counts_frames_and_can_stop_the_work() -> None:
    calls: list[tuple[int, int]] = []
    draw_tracks(black(), at((20, 20)), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_many_tracks_are_quick() -> None:
    size = Size(832, 480)
    start = grid_points(size, 14)[:2000]
    xy = start + torch.linspace(0, 40, 8)[:, None, None]
    begin = time.perf_counter()
    draw_tracks(torch.zeros(480, 832, 3), make_tracks(xy, size))
    # A tenth of 81 frames; drawing those takes a few seconds on an idle core.
    assert time.perf_counter() - begin < 5


def golden_scene() -> Tensor:
    """A small scene with everything in it: tails, rings, a crossing and the canvas edge."""
    size = Size(96, 64)
    t = torch.linspace(0, 1, 12)[:, None]
    start = torch.tensor([[8.0, 12], [88, 50], [20, 56], [70, 10], [94, 32]])
    step = torch.tensor([[70.0, 30], [-60, -30], [0, 0], [0, 40], [12, 0]])
    bend = torch.tensor([0.0, 12, 0, -10, 0])
    xy = start + t[..., None] * step
    xy[..., 1] += bend * torch.sin(math.pi * t)
    visible = torch.ones(12, 5, dtype=torch.bool)
    visible[8:, 3] = False
    x = torch.linspace(0, 1, 96).expand(64, 96)
    y = torch.linspace(0, 1, 64)[:, None].expand(64, 96)
    picture = torch.stack((x, 0.3 + 0.4 * y, 1 - x), dim=-1)
    style = OverlayStyle(dot_radius=3, dim=0.2, show_hidden=True)
    return draw_tracks(picture, make_tracks(xy, size, visible=visible), style)[10]


def test_the_golden_picture() -> None:
    difference = (golden_scene() - read_image(GOLDEN)).abs()
    # OpenCV may round a tail differently from one version to the next.
    assert float(difference.mean()) < 0.004
    assert float((difference.amax(dim=-1) > 0.1).double().mean()) < 0.01


def frames_of_grey(count: int, height: int = 20, width: int = 30) -> Tensor:
    levels = torch.linspace(0, 0.8, count)
    return levels[:, None, None, None].expand(count, height, width, 3).clone()


def test_a_sheet_shows_the_first_and_the_last_frame_with_white_gaps() -> None:
    # Sevenths of 48 frames: the nearest whole ones.
    sheet = contact_sheet(frames_of_grey(49), 8)
    assert sheet.shape == (20, 8 * 30 + 7 * 4, 3)
    assert sheet[10, 15::34, 0].tolist() == pytest.approx(
        [0.8 * frame / 48 for frame in (0, 7, 14, 21, 27, 34, 41, 48)]
    )
    assert bool((sheet[:, 30:34] == 1).all())


def test_a_sheet_may_have_rows_and_fewer_frames_than_places() -> None:
    two_rows = contact_sheet(frames_of_grey(6), 3, rows=2)
    assert two_rows.shape == (44, 98, 3)
    assert two_rows[[10, 10, 10, 34, 34, 34], [15, 49, 83] * 2, 0].tolist() == pytest.approx(
        [0, 0.16, 0.32, 0.48, 0.64, 0.8]
    )
    assert contact_sheet(frames_of_grey(3), 8).shape == (20, 98, 3)
    assert contact_sheet(frames_of_grey(1), 8).shape == (20, 30, 3)
    bytes_sheet = contact_sheet((frames_of_grey(3) * 255).to(torch.uint8), 8)
    assert bytes_sheet.dtype == torch.uint8
    assert int(bytes_sheet[0, 31, 0]) == 255
    open_end = contact_sheet(frames_of_grey(5), 3, rows=2)
    assert bool((open_end[24:, 68:] == 1).all())


def test_wide_frames_shrink_by_averaging() -> None:
    stripes = torch.zeros(1, 8, 800, 3)
    stripes[:, :, ::2] = 1
    sheet = contact_sheet(stripes, 1, tile_width=400)
    assert sheet.shape == (4, 400, 3)
    assert np.allclose(sheet.numpy(), 0.5)


def test_bad_sheets_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(T, H, W, 3\)"):
        contact_sheet(torch.zeros(20, 30, 3))
    with pytest.raises(ShapeError, match="at least 1 frames"):
        contact_sheet(torch.zeros(0, 20, 30, 3))
    for name in ("columns", "rows", "tile_width"):
        with pytest.raises(ValueError, match=f"{name} must be 1 or more"):
            contact_sheet(frames_of_grey(3), **{name: 0})


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
@pytest.mark.parametrize("tails", [0, 3])
def test_one_frame_alone_is_the_one_of_the_video(dtype: torch.dtype, tails: int) -> None:
    along = torch.linspace(5, 40, 6)
    xy = torch.stack([torch.stack([along, along / 2 + 5], -1), torch.full((6, 2), 20.0)], dim=1)
    tracks, style = make_tracks(xy, CANVAS), OverlayStyle(tail_frames=tails, show_hidden=True)
    image = black().add(0.5 if dtype.is_floating_point else 90).to(dtype)
    video = draw_tracks(image, tracks, style)
    for frame in range(6):
        assert torch.equal(draw_tracks_at(image, tracks, frame, style), video[frame])
    with pytest.raises(IndexError, match="frame 6 is not one of the 6"):
        draw_tracks_at(image, tracks, 6, style)
