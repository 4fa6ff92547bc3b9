"""Tracks as the maps that control's first layer reads."""

from __future__ import annotations

import time

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite.latents import SCALE_UNITS, from_latents
from motion_core.models.lite.track_batch import FILLED_CONFIDENCE, UNITS, make_track_batch, unit_px
from motion_core.models.lite.track_controlnet import LiteTrackControlNet
from motion_core.models.lite.track_maps import rasterize_tracks
from motion_core.raster.sparse import SparseVolume
from motion_core.tracks.model import Tracks, make_tracks
from tests.lite.models import BASE, SIZES, picture, tiny_lite, wandering

CANVAS = Size(60, 40)


def test_a_pinned_point_differs_from_none_and_a_cell_shares_its_mean() -> None:
    size = Size(80, 80)  # cells of ten pixels; a unit is ten pixels too
    assert unit_px(size) == 10
    still = torch.tensor([[35.0, 5.0]]).repeat(3, 1, 1)
    step = torch.arange(3.0).view(3, 1, 1)
    one = torch.tensor([[62.0, 71.0]]) + step * torch.tensor([3.0, 0.0])
    other = torch.tensor([[68.0, 78.0]]) + step * torch.tensor([1.0, -2.0])
    lost = torch.tensor([[5.0, 5.0]]) + step * torch.tensor([4.0, 4.0])
    visible = torch.ones(3, 4, dtype=torch.bool)
    visible[2, 3] = False
    tracks = make_tracks(torch.cat([still, one, other, lost], dim=1), size, visible=visible)
    maps = rasterize_tracks(make_track_batch([tracks]), 8)
    moved, _ = from_latents(maps)
    presence = maps[0, 4:]
    torch.testing.assert_close(moved[0, 2, 7, 6], torch.tensor([0.4, -0.2]))
    torch.testing.assert_close(moved[0, 1, 7, 6], torch.tensor([0.2, -0.1]))
    assert not moved[0, :, 0, 3].any() and bool((presence[:, 0, 3] == 1).all())
    assert presence[:, 7, 6].tolist() == [1.0, 1.0]
    assert presence[0, 0, 0] == 1 and 0 < presence[1, 0, 0] < 0.1
    assert int((presence[0] > 0).sum()) == 3


def test_padding_adds_nothing() -> None:
    many, few = wandering(5, 7, CANVAS), wandering(5, 2, CANVAS, seed=1)
    both = rasterize_tracks(make_track_batch([many, few]), 8)
    torch.testing.assert_close(both[1:], rasterize_tracks(make_track_batch([few]), 8))


def control() -> LiteTrackControlNet:
    lite = tiny_lite()
    assert lite.base is not None
    return LiteTrackControlNet(lite.base, lite).eval()


def with_gaps(tracks: Tracks, seed: int) -> Tracks:
    """The tracks, each hidden in about a third of the frames."""
    chance = torch.rand(tracks.visible.shape, generator=torch.Generator().manual_seed(seed))
    return make_tracks(tracks.xy, tracks.size, visible=chance > 0.3)


def maps_by_loops(tracks: Tracks, grid: int) -> torch.Tensor:
    """The definition of control's track maps, one track and frame at a time: (3 (T - 1), G, G)."""
    frames, unit = tracks.num_frames, (tracks.size.width * tracks.size.height) ** 0.5 / UNITS
    sums = torch.zeros(frames, 3, grid, grid, dtype=torch.float64)
    for index in range(tracks.num_points):
        seconds = [t for t in range(frames) if tracks.visible[t, index]]
        if not seconds:
            continue
        start = tracks.xy[seconds[0], index].double()
        column = min(grid - 1, max(0, int(start[0] / tracks.size.width * grid // 1)))
        row = min(grid - 1, max(0, int(start[1] / tracks.size.height * grid // 1)))
        for t in range(frames):
            before = max((s for s in seconds if s <= t), default=seconds[0])
            after = min((s for s in seconds if s >= t), default=seconds[-1])
            share = (t - before) / (after - before) if after > before else 0.0
            low, high = tracks.xy[before, index].double(), tracks.xy[after, index].double()
            weight = 1.0 if tracks.visible[t, index] else FILLED_CONFIDENCE
            moved = (low + share * (high - low) - start) / unit / SCALE_UNITS
            sums[t, :2, row, column] += weight * moved
            sums[t, 2, row, column] += weight
    sums[:, :2] /= sums[:, 2:].clamp(min=1e-6)
    later = sums[1:]
    return torch.cat([later[:, :2].flatten(0, 1), later[:, 2].clamp(max=1)]).float()


def test_control_reads_the_maps_that_plain_loops_make() -> None:
    tracks = with_gaps(wandering(BASE.frames, 40, CANVAS), seed=3)
    maps = control().track_maps(tracks)
    wanted = maps_by_loops(tracks, SIZES.grid)
    torch.testing.assert_close(maps[0], wanted, atol=1e-5, rtol=1e-5)


def test_a_track_that_appears_late_is_in_the_maps() -> None:
    tracks = wandering(BASE.frames, 1, CANVAS)
    visible = torch.zeros(BASE.frames, 1, dtype=torch.bool)
    visible[3:] = True
    maps = control().track_maps(make_tracks(tracks.xy, CANVAS, visible=visible))
    presence = maps[0, -(BASE.frames - 1) :].sum(dim=(1, 2))
    assert presence.tolist() == pytest.approx([FILLED_CONFIDENCE, FILLED_CONFIDENCE, 1.0, 1.0])
    moved, _ = from_latents(maps)
    assert float(moved[0, -1].abs().sum()) > 0


def test_very_many_tracks_cost_control_their_maps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,096 tracks through an ID volume took 5 s and more."""

    def refused(*_: object) -> None:
        raise AssertionError("control built a sparse volume")

    monkeypatch.setattr(SparseVolume, "__init__", refused)
    lite, size = tiny_lite(), Size(256, 256)
    assert lite.base is not None
    net = LiteTrackControlNet(lite.base, lite).eval()
    tracks = with_gaps(wandering(BASE.frames, 4096, size), seed=1)
    net.prepare(picture(*size), tracks)
    spent = {}
    for name, work in (
        ("direct", lambda: rasterize_tracks(make_track_batch([tracks]), SIZES.grid)),
        ("control", lambda: net.track_maps(tracks)),
    ):
        runs = []
        for _ in range(3):
            begin = time.process_time()
            work()
            runs.append(time.process_time() - begin)
        spent[name] = min(runs)
    assert spent["control"] < 3 * spent["direct"] + 0.1
