"""Wan-Move and ATI: against the plain loops, against what the released code gave, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.models.wan.ati import SoftCopy, soft_copied_latent
from motion_core.models.wan.latents import KnownFrames, check_size, latent_frames
from motion_core.models.wan.reference import reference_copy, reference_soft_copy
from motion_core.models.wan.wan_move import copied_latent
from motion_core.tracks import empty_tracks, make_tracks

from .clips import walking

RECORDED = json.loads((Path(__file__).parent / "parity.json").read_text())
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def recorded(dtype: str, name: str, like: Tensor) -> Tensor:
    return torch.tensor(RECORDED[dtype][name], dtype=torch.float64).view(like.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wan_move_parity_with_the_released_code(dtype: str) -> None:
    latent, tracks = walking(RECORDED[dtype]["seed"])
    latent = latent.to(getattr(torch, dtype))
    for name, weights in (("move", None), ("move_strength_0.4", torch.full((11,), 0.4))):
        got = copied_latent(latent, tracks, weights)
        error = (got.double() - recorded(dtype, name, got)).abs().max()
        assert got.dtype == latent.dtype
        # A weight is float32 here as everywhere on the way; 0.4 is not one.
        assert error < (TOLERANCE[dtype] if weights is None else 1e-6)
        assert (got != latent).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "reach"), [("ati", SoftCopy()), ("ati_40_3", SoftCopy(40.0, 3))])
def test_ati_parity_with_the_released_code(dtype: str, name: str, reach: SoftCopy) -> None:
    latent, tracks = walking(RECORDED[dtype]["seed"])
    mask, got = soft_copied_latent(latent.to(getattr(torch, dtype)), tracks, reach=reach)
    tolerance = TOLERANCE[dtype]
    assert (mask.double() - recorded(dtype, f"{name}_told", mask)).abs().max() < tolerance
    assert (got.double() - recorded(dtype, name, got)).abs().max() < tolerance


@pytest.mark.parametrize("seed", range(6))
def test_copies_equal_the_plain_loops(seed: int) -> None:
    grid = [Size(6, 4), Size(3, 5), Size(1, 2)][seed % 3]
    latent, tracks = walking(seed, points=9, grid=grid)
    hidden = torch.rand(tracks.visible.shape, generator=torch.Generator().manual_seed(seed)) > 0.4
    tracks = replace(tracks, visible=hidden, xy=tracks.xy * 1.3 - 4)
    weights = torch.rand(9, generator=torch.Generator().manual_seed(seed + 50))
    for weight in (None, weights):
        assert torch.equal(
            copied_latent(latent, tracks, weight), reference_copy(latent, tracks, weight)
        )
        mask, soft = soft_copied_latent(latent, tracks, weight)
        mask_wanted, soft_wanted = reference_soft_copy(latent, tracks, weight)
        torch.testing.assert_close(mask, mask_wanted, atol=1e-12, rtol=0)
        torch.testing.assert_close(soft, soft_wanted, atol=1e-12, rtol=0)


def test_cells_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    latent, tracks = walking(3)
    whole = soft_copied_latent(latent, tracks)
    monkeypatch.setattr("motion_core.models.wan.ati.AT_ONCE", 1)
    assert all(map(torch.equal, soft_copied_latent(latent, tracks), whole))


def test_a_track_invisible_in_frame_0_copies_nothing() -> None:
    latent, tracks = walking(1, points=1)
    shown = torch.ones(9, 1, dtype=torch.bool)
    assert (copied_latent(latent, replace(tracks, visible=shown)) != latent).any()
    shown[0] = False
    late = replace(tracks, visible=shown)
    assert torch.equal(copied_latent(latent, late), latent)
    mask, soft = soft_copied_latent(latent, late)
    assert torch.equal(soft, latent)
    assert torch.equal(mask[1:], torch.zeros_like(mask[1:]))
    outside = replace(tracks, visible=~shown | True, xy=tracks.xy.clone())
    outside.xy[0] = -3.0
    assert torch.equal(copied_latent(latent, outside), latent)


def test_where_tracks_meet_the_last_one_stays_and_nothing_is_edited_in_place() -> None:
    latent = torch.arange(8.0).view(1, 2, 1, 4)
    starts = torch.tensor([[4.0, 4.0], [12.0, 4.0], [20.0, 4.0]])
    xy = torch.cat([starts[None], torch.tensor([28.0, 4.0]).expand(4, 3, 2)])
    before = latent.clone()
    moved = copied_latent(latent, make_tracks(xy, Size(32, 8)))
    assert moved[0, 1, 0].tolist() == [4.0, 5.0, 6.0, 2.0]
    assert torch.equal(latent, before)


def test_without_tracks_the_latent_stays_bit_for_bit() -> None:
    latent, tracks = walking(2)
    none = empty_tracks(9, tracks.size)
    assert torch.equal(copied_latent(latent, none), latent)
    assert torch.equal(soft_copied_latent(latent, none)[1], latent)
    nothing = torch.zeros(tracks.num_points)
    assert torch.equal(copied_latent(latent, tracks, nothing), latent)
    assert torch.equal(soft_copied_latent(latent, tracks, nothing)[1], latent)


def test_half_precision_stays_half() -> None:
    latent, tracks = walking(4)
    moved = copied_latent(latent.half(), tracks)
    mask, soft = soft_copied_latent(latent.half(), tracks)
    assert moved.dtype == mask.dtype == soft.dtype == torch.float16
    _, wanted = soft_copied_latent(latent, tracks)
    assert (soft.double() - wanted).abs().max() < 5e-3


def test_soft_copying_can_be_stopped() -> None:
    latent, tracks = walking(0)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        soft_copied_latent(latent, tracks, progress=stop)


@pytest.mark.parametrize("copied", [copied_latent, soft_copied_latent])
def test_what_does_not_fit_is_refused(copied: Callable[..., object]) -> None:
    latent, tracks = walking(0)
    with pytest.raises(ShapeError, match=r"stands for 9 frames but the tracks have 5"):
        copied(latent, replace(tracks, xy=tracks.xy[:5], visible=tracks.visible[:5]))
    with pytest.raises(ShapeError, match=r"\(N,\) = \(11,\); got \(3,\)"):
        copied(latent, tracks, torch.ones(3))
    with pytest.raises(ShapeError, match="C, T', H, W"):
        copied(latent[0], tracks)
    with pytest.raises(TypeError, match="floating point"):
        copied(latent.long(), tracks)


def test_lengths_and_sizes_wan_cannot_do_are_named_with_those_it_can() -> None:
    assert [latent_frames(frames) for frames in (1, 5, 81)] == [1, 2, 21]
    with pytest.raises(ValueError, match=r"4k\+1 frames.*got 16\. Use 13 or 17"):
        latent_frames(16)
    check_size(Size(832, 480), 16)
    with pytest.raises(ValueError, match=r"multiples of 16; got .*500.*496x304"):
        check_size(Size(500, 300), 16)
    with pytest.raises(ValueError, match="temperature"):
        SoftCopy(temperature=0.0)
    with pytest.raises(ValueError, match="nearest"):
        SoftCopy(nearest=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("known", [KnownFrames(2), KnownFrames(3, True), KnownFrames(1, True)])
def test_copies_from_several_known_frames_equal_the_plain_loops(
    seed: int, known: KnownFrames
) -> None:
    latent, tracks = walking(seed, frames=25, points=9, grid=Size(5, 4))
    hidden = torch.rand(tracks.visible.shape, generator=torch.Generator().manual_seed(seed)) > 0.5
    tracks = replace(tracks, visible=hidden, xy=tracks.xy * 1.2 - 3)
    moved = copied_latent(latent, tracks, None, known)
    assert torch.equal(moved, reference_copy(latent, tracks, None, known))
    mask, soft = soft_copied_latent(latent, tracks, known=known)
    mask_wanted, soft_wanted = reference_soft_copy(latent, tracks, known=known)
    torch.testing.assert_close(mask, mask_wanted, atol=1e-12, rtol=0)
    torch.testing.assert_close(soft, soft_wanted, atol=1e-12, rtol=0)
    for result in (moved, soft):
        assert torch.equal(result[:, : known.start], latent[:, : known.start]), "known frames stay"
        assert not known.end or torch.equal(result[:, -1], latent[:, -1])
        assert (result != latent).any()


def test_a_track_born_in_a_known_frame_carries_that_frames_features() -> None:
    latent = torch.arange(40.0).view(1, 5, 2, 4)
    visible = torch.ones(17, 1, dtype=torch.bool)
    visible[:3] = False
    xy = torch.tensor([4.0, 4.0]).expand(17, 1, 2).clone()
    xy[8:] += 8.0
    tracks = make_tracks(xy, Size(32, 16), visible=visible)
    assert torch.equal(copied_latent(latent, tracks), latent), "frame 0 does not show it"
    moved = copied_latent(latent, tracks, known=KnownFrames(2))
    assert moved[0, 2:, 1, 1].tolist() == [float(latent[0, 1, 0, 0])] * 3


def test_known_frames_leave_something_to_make() -> None:
    latent, tracks = walking(0)
    with pytest.raises(ValueError, match="3 of 3 latent frames are known"):
        copied_latent(latent, tracks, known=KnownFrames(3))
    kept = copied_latent(latent, tracks, known=KnownFrames(2, True))
    assert torch.equal(kept, latent), "tracks reach no frame between overlap and end image"
    with pytest.raises(ValueError, match="start must be 1 or more"):
        KnownFrames(0)
