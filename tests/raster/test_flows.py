from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.raster import gaussian_flow, region_flow
from motion_core.raster.reference import reference_gaussian_flow, reference_region_flow
from motion_core.tracks import Tracks, empty_tracks, make_tracks

from .strategies import crowd, seeds, sizes


@st.composite
def walks(draw: st.DrawFn) -> Tracks:
    """A few points that walk about a small canvas, leave it and vanish."""
    frames, points = draw(st.integers(0, 4)), draw(st.integers(0, 6))
    return crowd(frames, points, draw(sizes), seed=draw(seeds))


def one_drag(frames: int = 5) -> Tracks:
    """A point that moves from (20.5, 10.5) by (3, -1) each frame."""
    steps = torch.arange(frames, dtype=torch.float32)[:, None, None]
    return make_tracks(torch.tensor([20.5, 10.5]) + steps * torch.tensor([3.0, -1.0]), Size(64, 48))


@settings(max_examples=40, deadline=None)
@given(walks(), sizes, st.sampled_from([1, 3, 9]), st.sampled_from([0.5, 2.0]))
def test_gaussian_equals_the_definition(
    tracks: Tracks, grid: Size, kernel: int, sigma: float
) -> None:
    got = gaussian_flow(tracks, grid, kernel_px=kernel, sigma_px=sigma)
    wanted = reference_gaussian_flow(tracks, grid, kernel, sigma)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)


def test_gaussian_on_a_device_equals_the_definition(device: torch.device) -> None:
    tracks, grid = crowd(4, 60, Size(48, 32)).to(device), Size(24, 20)
    got = gaussian_flow(tracks, grid, kernel_px=11, sigma_px=2.0)
    assert got.device.type == device.type
    wanted = reference_gaussian_flow(tracks, grid, 11, 2.0)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)


def test_gaussian_is_what_opencv_filters() -> None:
    """The original recipe: paint single pixels, then filter2D with a 99 x 99 kernel of sum 1."""
    tracks, grid = crowd(4, 25, Size(96, 64)), Size(96, 64)
    axis = np.arange(99) - 49.0
    kernel = np.exp(-(axis[:, None] ** 2 + axis**2) / 200.0)
    kernel /= kernel.sum()
    xy, visible = tracks.xy.numpy(), tracks.visible.numpy()
    flow = gaussian_flow(tracks, grid).numpy()
    assert not flow[0].any()
    for frame in range(1, 4):
        painted = np.zeros((64, 96, 2))
        for (x, y), end, starts, stays in zip(
            xy[frame - 1], xy[frame], visible[frame - 1], visible[frame], strict=True
        ):
            if starts and stays and 0 <= x < 96 and 0 <= y < 64:
                painted[int(y), int(x)] = end - (x, y)
        wanted = cv2.filter2D(painted, -1, kernel)
        np.testing.assert_allclose(flow[frame], wanted, atol=1e-6)
        assert abs(wanted).max() > 1e-3


def test_gaussian_keeps_the_amount_of_motion() -> None:
    flow = gaussian_flow(one_drag(), Size(64, 48), kernel_px=9, sigma_px=1.5)
    torch.testing.assert_close(
        flow.sum(dim=(1, 2))[1:], torch.tensor([3.0, -1.0]).expand(4, 2), atol=1e-5, rtol=0
    )
    for frame in range(1, 5):
        peak = int(flow[frame, ..., 0].argmax())
        assert divmod(peak, 64) == (10 - (frame - 1), 20 + 3 * (frame - 1))


def test_gaussian_steps_are_measured_on_the_grid() -> None:
    half = gaussian_flow(one_drag(), Size(32, 24), kernel_px=1)
    assert half[1, 5, 10].tolist() == [1.5, -0.5]
    assert int((half != 0).sum()) == 4 * 2


def test_gaussian_keeps_the_last_of_two_steps_in_one_cell() -> None:
    xy = torch.tensor([[[4.2, 4.2], [4.9, 4.7]], [[6.2, 4.2], [4.9, 9.7]]])
    flow = gaussian_flow(make_tracks(xy, Size(16, 16)), Size(16, 16), kernel_px=1)
    torch.testing.assert_close(flow[1, 4, 4], torch.tensor([0.0, 5.0]))


@settings(max_examples=40, deadline=None)
@given(walks(), sizes, st.sampled_from([2, 4, 6, 8, 200]), st.booleans(), seeds)
def test_region_equals_the_definition(
    tracks: Tracks, grid: Size, block: int, brushed: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    brush = torch.rand(grid.height, grid.width, generator=generator) > 0.8 if brushed else None
    got = region_flow(tracks, grid, block_px=block, brush=brush)
    assert torch.equal(got, reference_region_flow(tracks, grid, block, brush))


def test_region_on_a_device_equals_the_definition(device: torch.device) -> None:
    tracks, grid = crowd(5, 40, Size(96, 64)).to(device), Size(48, 40)
    got = region_flow(tracks, grid)
    assert got.device.type == device.type
    assert torch.equal(got, reference_region_flow(tracks, grid, 8))


def test_region_in_the_original_recipe() -> None:
    """Away from borders the released code's slices are the oracle."""
    tracks, grid = one_drag(), Size(64, 48)
    wanted = torch.zeros(5, 48, 64, 2)
    for frame in range(5):
        wanted[frame, 10 - 4 : 10 + 4, 20 - 4 : 20 + 4] = torch.tensor([3.0, -1.0]) * frame
    flow = region_flow(tracks, grid)
    assert torch.equal(flow[..., :2], wanted)
    mask = (wanted[-1].norm(dim=-1) > 0).float()
    assert torch.equal(flow[..., 2], mask.expand(5, -1, -1))


def test_region_blocks_are_cut_at_the_border() -> None:
    xy = torch.tensor([[[0.5, 0.5]], [[5.5, 0.5]]])
    flow = region_flow(make_tracks(xy, Size(32, 32)), Size(32, 32))
    assert int((flow[1, ..., 0] == 5).sum()) == 16
    assert bool((flow[1, :4, :4, 0] == 5).all())


def test_region_drag_that_returns_stays_in_the_mask() -> None:
    xy = torch.tensor([[[8.0, 8.0]], [[12.0, 8.0]], [[8.0, 8.0]]])
    flow = region_flow(make_tracks(xy, Size(16, 16)), Size(16, 16))
    assert not bool(flow[2, ..., :2].any())
    assert int(flow[2, ..., 2].sum()) == 64


def test_region_brush_adds_to_the_mask_alone() -> None:
    brush = torch.zeros(48, 64, dtype=torch.uint8)
    brush[40:, 50:] = 255
    plain, brushed = (region_flow(one_drag(), Size(64, 48), brush=b) for b in (None, brush))
    assert torch.equal(plain[..., :2], brushed[..., :2])
    assert torch.equal(brushed[..., 2] - plain[..., 2], (brush != 0).float().expand(5, -1, -1))


def test_region_track_hidden_at_first_has_no_block() -> None:
    visible = torch.ones(5, 1, dtype=torch.bool)
    visible[0] = False
    tracks = one_drag()
    hidden = make_tracks(tracks.xy, tracks.size, visible=visible)
    assert not bool(region_flow(hidden, Size(64, 48)).any())


@pytest.mark.parametrize("encode", [gaussian_flow, region_flow])
@pytest.mark.parametrize("frames", [0, 1, 3])
def test_no_tracks_is_no_motion(encode, frames: int) -> None:
    flow = encode(empty_tracks(frames, Size(32, 32)), Size(16, 8))
    assert flow.shape[:3] == (frames, 8, 16)
    assert not bool(flow.any())


@pytest.mark.parametrize("encode", [gaussian_flow, region_flow])
def test_progress_is_reported_and_may_stop(encode) -> None:
    calls: list[tuple[int, int]] = []
    encode(one_drag(), Size(64, 48), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1] == len(calls)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(one_drag(), Size(64, 48), progress=stop)


@pytest.mark.parametrize("encode", [gaussian_flow, region_flow])
def test_bad_grids_are_refused(encode) -> None:
    with pytest.raises(ValueError, match="canvas"):
        encode(one_drag(), Size(0, 4))
    with pytest.raises(ValueError, match="GiB"):
        encode(one_drag(), Size(65536, 65536))


@pytest.mark.parametrize("setting", [{"kernel_px": 98}, {"kernel_px": 0}, {"sigma_px": 0.0}])
def test_kernels_without_meaning_are_refused(setting: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        gaussian_flow(one_drag(), Size(8, 8), **setting)
    with pytest.raises(ValueError, match="65535"):
        gaussian_flow(one_drag(), Size(8, 8), kernel_px=10**12 + 1)
    with pytest.raises(ValueError, match="finite"):
        gaussian_flow(one_drag(), Size(8, 8), sigma_px=float("nan"))


def test_blocks_and_brushes_without_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        region_flow(one_drag(), Size(8, 8), block_px=7)
    with pytest.raises(ShapeError, match=r"\(6, 8\).*got \(8, 6\)"):
        region_flow(one_drag(), Size(8, 6), brush=torch.zeros(8, 6))
