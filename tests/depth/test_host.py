"""The host's geometry values, laid out as its nodes lay them out."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.depth.host import from_da3, from_moge
from motion_core.errors import FormatError, ShapeError

Z = torch.rand(2, 6, 8, generator=torch.Generator().manual_seed(0)) + 1.0


def moge(**changes) -> dict:
    """As MoGeInference makes it: masked depth is infinite, intrinsics are relative."""
    mask = torch.ones_like(Z, dtype=torch.bool)
    mask[:, 0] = False
    K = torch.tensor([[0.9, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]]).expand(2, 3, 3)
    value = {
        "image": torch.rand(2, 6, 8, 3),
        "points": torch.rand(2, 6, 8, 3),
        "depth": torch.where(mask, Z, torch.full_like(Z, math.inf)),
        "intrinsics": K,
        "mask": mask,
    }
    return {k: v for k, v in {**value, **changes}.items() if v is not None}


def test_moge_depth_has_pixel_intrinsics_and_an_invalid_sky() -> None:
    depth = from_moge(moge(), 1)
    assert torch.equal(depth.z[1:], Z[1, 1:])
    assert not depth.valid[0].any() and depth.valid[1:].all()
    assert depth.K.flatten().tolist() == pytest.approx([7.2, 0, 4, 0, 7.2, 3, 0, 0, 1])
    assert depth.is_K_known
    assert depth.kind == "relative"
    assert from_moge(moge(normal=torch.zeros(2, 6, 8, 3))).kind == "metric"


def test_moge_without_a_mask_still_drops_infinite_depth() -> None:
    assert not from_moge(moge(mask=None)).valid[0].any()


@pytest.mark.parametrize(
    ("value", "index", "error", "message"),
    [
        (moge(intrinsics=None), 0, FormatError, "panorama"),
        (moge(depth=None), 0, FormatError, "needs depth"),
        (moge(), 2, ShapeError, "image 2 .* batch of 2"),
        (moge(mask=torch.zeros(2, 6, 8, dtype=torch.bool)), 0, ValueError, "no valid pixel"),
        ("geometry", 0, FormatError, "connect a MOGE_GEOMETRY"),
    ],
)
def test_unusable_moge_geometry_is_refused(value, index, error, message: str) -> None:
    with pytest.raises(error, match=message):
        from_moge(value, index)


def da3(**changes) -> dict:
    """As DA3Inference makes it: depth at the picture's size, the lens at the model's (14 x 28)."""
    K = torch.tensor([[10.0, 0, 14], [0, 10, 7], [0, 0, 1]]).expand(1, 2, 3, 3)
    value = {"image": torch.rand(2, 6, 8, 3), "depth": Z, "mode": "multiview", "intrinsics": K}
    return {k: v for k, v in {**value, **changes}.items() if v is not None}


def test_a_views_lens_is_brought_to_the_depths_size() -> None:
    depth = from_da3(da3(), 1)
    assert torch.equal(depth.z, Z[1])
    # 28 x 14 at the model, 8 x 6 here: fields of view stay.
    assert float(depth.K[0, 0]) == pytest.approx(10 * 8 / 28)
    assert float(depth.K[1, 1]) == pytest.approx(10 * 6 / 14)
    assert depth.K[:2, 2].tolist() == [4.0, 3.0]
    assert depth.is_K_known
    assert from_da3(da3(), is_metric=True).kind == "metric"


def test_a_single_view_gets_the_hosts_lens_and_no_sky() -> None:
    sky = torch.zeros_like(Z)
    sky[:, :2] = 0.9
    depth = from_da3(da3(mode="mono", intrinsics=None, sky=sky))
    assert float(depth.K[0, 0]) == pytest.approx(0.7 * 8)
    assert not depth.is_K_known
    assert not depth.valid[:2].any() and depth.valid[2:].all()


@pytest.mark.parametrize(
    ("value", "index", "error", "message"),
    [
        (da3(depth=None), 0, FormatError, "connect a DA3_GEOMETRY"),
        (da3(), 5, ShapeError, "image 5"),
        (da3(intrinsics=torch.eye(3)), 0, FormatError, r"\(1, S, 3, 3\)"),
        (da3(intrinsics=torch.eye(3)[None, None]), 0, FormatError, "mono mode"),
        (da3(intrinsics=torch.eye(3)[None, None]), 1, ShapeError, "view 1"),
        (da3(sky=torch.ones_like(Z)), 0, ValueError, "no valid pixel"),
    ],
)
def test_unusable_da3_geometry_is_refused(value, index, error, message: str) -> None:
    with pytest.raises(error, match=message):
        from_da3(value, index)
