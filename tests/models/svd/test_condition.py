"""What MotionPro reads of tracks, against numbers drawn by the authors' own loop."""

from __future__ import annotations

import json
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.models.svd.condition import (
    dense_condition,
    mean_motion,
    region_condition,
)
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks
from motion_core.tracks.time import resample

GOLDEN = json.loads((Path(__file__).parent / "condition.json").read_text())
SIZE = Size(GOLDEN["width"], GOLDEN["height"])
FRAMES = 16


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def joined(drags: list[list[list[int]]]) -> Tracks:
    """Drags of different numbers of points as tracks of one length."""
    each = [
        resample(make_tracks(torch.tensor(drag).double()[:, None], SIZE), FRAMES, "pchip")
        for drag in drags
    ]
    return make_tracks(torch.cat([tracks.xy for tracks in each], 1), SIZE)


def unrolled(runs: list[list[int]]) -> torch.Tensor:
    whole = chain.from_iterable(repeat(value, count) for value, count in runs)
    return torch.tensor(list(whole)).view(SIZE.height, SIZE.width)


def moving(by: tuple[float, float], start: tuple[float, float] = (20.0, 20.0)) -> Tracks:
    way = torch.linspace(0, 1, FRAMES)[:, None, None] * torch.tensor(by)
    return make_tracks(torch.tensor(start) + way, SIZE)


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_drags_are_drawn_as_the_authors_draw_them(case: dict[str, Any]) -> None:
    motions = torch.tensor(case["motions"]).view(-1, FRAMES, 2)
    wanted = motions[unrolled(case["owner"])].permute(2, 3, 0, 1)
    got = region_condition(joined(case["drags"]), SIZE, rule="drawn")
    assert got.shape == (FRAMES, 3, *wanted.shape[-2:])
    torch.testing.assert_close(got[:, :2], wanted, rtol=0, atol=1e-5)
    for frame in got[:, 2]:
        assert torch.equal(frame, unrolled(case["mask"]).float())


def test_the_mask_holds_what_moves_by_more_than_a_pixel_in_the_mean() -> None:
    # mean_i (d i / 15)^2 over 16 frames = d^2 31/90, so one pixel is passed at d = 1.704.
    for distance, masked in ((1.70, 0.0), (1.71, 1.0)):
        mask = region_condition(moving((distance, 0.0)), SIZE)[:, 2]
        assert (mask[:, 16:24, 16:24] == masked).all()
        assert mask.sum() == masked * 64 * FRAMES
    drawn = region_condition(moving((0.5, 0.0)), SIZE, rule="drawn")[:, 2]
    assert drawn.sum() == 64 * FRAMES


@pytest.mark.parametrize("rule", ["moving", "drawn"])
def test_the_brush_adds_to_the_mask(rule: Any) -> None:
    brush = torch.zeros(SIZE.height, SIZE.width, dtype=torch.bool)
    brush[2:5, 40:50] = True
    with_brush = region_condition(moving((9.0, 0.0)), SIZE, brush=brush, rule=rule)
    without = region_condition(moving((9.0, 0.0)), SIZE, rule=rule)
    assert torch.equal(with_brush[:, :2], without[:, :2])
    assert torch.equal(with_brush[:, 2], torch.maximum(without[:, 2], brush.float()))


def test_pchip_meets_its_keys_never_overshoots_and_leaves_its_input_alone() -> None:
    keys = torch.tensor([[5.0, 5.0], [30.0, 5.0], [30.0, 40.0], [31.0, 40.0]])[:, None]
    tracks = make_tracks(keys, SIZE)
    dense = resample(tracks, FRAMES, "pchip")
    assert torch.allclose(dense.xy[::5], keys)
    step = dense.xy[1:, 0] - dense.xy[:-1, 0]
    assert (step >= -1e-5).all()
    assert torch.equal(tracks.xy, keys)
    assert resample(tracks, 4, "pchip") is tracks


def test_pchip_reads_no_invisible_position() -> None:
    xy = torch.linspace(0, 20, 6)[:, None, None].expand(6, 3, 2).clone()
    visible = torch.ones(6, 3, dtype=torch.bool)
    visible[2, 1] = False
    visible[1:, 2] = False
    spoiled = xy.clone()
    spoiled[~visible] = -1e6
    tracks = make_tracks(spoiled, SIZE, visible=visible)
    got = resample(tracks, FRAMES, "pchip")
    straight = resample(make_tracks(xy, SIZE), FRAMES, "pchip")
    visible = got.visible[:, 1]
    assert 0 < int(visible.sum()) < FRAMES
    torch.testing.assert_close(got.xy[visible, 1], straight.xy[visible, 1], rtol=0, atol=1e-4)
    assert (got.xy[got.visible[:, 2], 2] == 0).all()


def test_dense_tracks_give_where_and_when_they_are_visible() -> None:
    x, y = torch.meshgrid(torch.arange(4.0, 64, 8), torch.arange(4.0, 48, 8), indexing="xy")
    start = torch.stack([x, y], -1).view(1, -1, 2)
    way = torch.linspace(0, 3, FRAMES)[:, None, None] * torch.tensor([1.0, -1.0])
    visible = torch.ones(FRAMES, start.shape[1], dtype=torch.bool)
    visible[5:, 0] = False
    got = dense_condition(make_tracks(start + way, SIZE, visible=visible), SIZE)
    visible = torch.ones(FRAMES, SIZE.height, SIZE.width)
    visible[5:, :8, :8] = 0
    assert torch.equal(got[:, 2], visible)
    assert torch.allclose(got[:, 0], visible * way[:, 0, 0, None, None])
    assert torch.allclose(got[:, 1], -got[:, 0])
    assert mean_motion(got) == pytest.approx(float((visible * way[:, 0, :1, None]).mean() * 2**0.5))


def test_nothing_to_follow_and_what_is_refused() -> None:
    assert not region_condition(empty_tracks(FRAMES, SIZE), SIZE).any()
    assert not dense_condition(empty_tracks(3, SIZE), SIZE).any()
    with pytest.raises(ValueError, match="at least one frame"):
        region_condition(empty_tracks(0, SIZE), SIZE)
    with pytest.raises(ValueError, match="'moving', 'drawn'"):
        region_condition(moving((9.0, 0.0)), SIZE, rule="none")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="Resize the mask"):
        region_condition(moving((9.0, 0.0)), SIZE, brush=torch.ones(4, 4))
