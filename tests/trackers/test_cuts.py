"""After a cut next to no point of the first shot is visible; a flash hides none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.trackers.clip import MemoryClip
from motion_core.trackers.cuts import visible_across_cuts
from motion_core.trackers.dense_flow import DenseFlow, DisFlow
from motion_core.trackers.lucas_kanade import LucasKanade
from motion_core.tracks import Tracks
from motion_core.tracks.seeding import grid_points

SIDE, CUT = 128, 4
POINTS = grid_points(Size(SIDE, SIDE), 16.0)


def pan(seed: int, step: int = 2, frames: int = 4) -> Tensor:
    """A texture that moves to the left by `step` pixels per frame."""
    noise = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(seed))
    wide = torch.nn.functional.interpolate(noise, (260, 400), mode="bicubic")[0]
    wide = wide.movedim(0, -1).clamp(0, 1)
    starts = [10 + step * frame for frame in range(frames)]
    return torch.stack([wide[20 : 20 + SIDE, left : left + SIDE] for left in starts])


def tracked(tracker: object, video: Tensor, frame: int = 0) -> Tracks:
    queries = torch.cat([torch.full((len(POINTS), 1), float(frame)), POINTS], dim=1)
    return tracker.track(MemoryClip(video, 24.0), queries)  # type: ignore[attr-defined]


TRACKERS = {"lucas_kanade": LucasKanade(), "flow_dis": DenseFlow(DisFlow())}


@pytest.mark.parametrize("name", TRACKERS)
@pytest.mark.parametrize("seed", [1, 5])
def test_next_to_no_point_is_visible_across_a_cut(name: str, seed: int) -> None:
    video = torch.cat([pan(0), pan(seed)])
    forwards = tracked(TRACKERS[name], video).visible
    assert forwards[:CUT].float().mean() > 0.85
    assert forwards[CUT:].float().mean() < 0.02
    backwards = tracked(TRACKERS[name], video, frame=len(video) - 1).visible
    assert backwards[CUT:].float().mean() > 0.85
    assert backwards[:CUT].float().mean() < 0.02


def test_a_scene_that_comes_back_is_found_again() -> None:
    first = pan(0, step=0)
    visible = tracked(TRACKERS["flow_dis"], torch.cat([first, pan(3), first])).visible
    assert not visible[CUT : 2 * CUT].any()
    assert visible[-1].float().mean() > 0.8


@pytest.mark.parametrize("name", TRACKERS)
def test_a_flash_and_a_fast_pan_hide_nothing(name: str) -> None:
    """What is visible after a white frame, or a jump of 40 pixels, is what surrounds it."""
    video = pan(0, frames=8)
    video[3] = 1.0
    flash = tracked(TRACKERS[name], video)
    assert flash.visible[5:].float().mean() > 0.8
    wide = pan(0, step=1, frames=44)
    jump = tracked(TRACKERS[name], torch.cat([wide[:3], wide[40:]]))
    shown = jump.visible[-1]
    moved = jump.xy[-1, shown] - jump.xy[0, shown]
    assert not shown.any() or (moved - torch.tensor([-43.0, 0.0])).norm(dim=-1).median() < 1


def test_only_points_in_other_surroundings_are_hidden() -> None:
    """Nine of ten points are lost; of two that stay, one lies on what it was, one elsewhere."""
    video = pan(0, step=0)
    xy = POINTS[:20].repeat(4, 1, 1)
    xy[2:, 1] = torch.tensor([90.0, 70.0])
    visible = torch.ones(4, 20, dtype=torch.bool)
    visible[2:, 2:] = False
    queries = torch.cat([torch.zeros(20, 1), POINTS[:20]], dim=1)
    found = visible_across_cuts(MemoryClip(video), queries, xy, visible)
    assert found[:2].all() and found[2:, 0].all()
    assert not found[2:, 1:].any()
    assert visible[2:, 1].all(), "the input stays as it is"


def test_a_stop_while_points_are_compared_ends_the_work() -> None:
    class Stopped(Exception):
        pass

    def tick() -> None:
        raise Stopped

    visible = torch.ones(4, 20, dtype=torch.bool)
    visible[2:, 2:] = False
    queries = torch.cat([torch.zeros(20, 1), POINTS[:20]], dim=1)
    with pytest.raises(Stopped):
        clip = MemoryClip(pan(0))
        visible_across_cuts(clip, queries, POINTS[:20].repeat(4, 1, 1), visible, tick)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dense_flow_in_a_pan_that_leaves_the_image(seed: int) -> None:
    """12 pixels per frame: every visible point is within 1.5 pixels of its place."""
    video = pan(seed, step=12, frames=10)
    found = tracked(TRACKERS["flow_dis"], video)
    true = found.xy[:1] - torch.tensor([12.0, 0.0]) * torch.arange(10)[:, None, None]
    inside = ((true >= 0) & (true < SIDE)).all(dim=-1)
    assert not (found.visible & ~inside).any()
    assert (found.visible & inside).sum() > 0.75 * inside.sum()
    assert (found.xy - true).norm(dim=-1)[found.visible].max() < 1.5
