"""The authors' networks and ours, on the same tiny weights and inputs.

parity.json holds what the released code gives in float64 for the weights and inputs of
originals.py: of the control networks some numbers of every residual, of the U-Net every seventh.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from motion_core.errors import CanvasError
from motion_core.geometry import Size
from motion_core.models.animatediff.branch import SparseBranch
from motion_core.models.animatediff.checkpoint import build_branch, build_unet
from motion_core.models.animatediff.control_output import UNetResiduals, summed
from motion_core.models.image_conductor.checkpoint import split_checkpoint
from motion_core.models.image_conductor.condition import flow_condition
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

from .originals import WORDS, tiny, tiny_with_lora, values

GOLDEN = json.loads((Path(__file__).parent / "parity.json").read_text())
# Coarser, and a group of the last norms holds one number, which rounding alone decides.
FRAMES, SIDE = 3, 16
TIME = torch.tensor(421)
WITHIN = [(torch.float64, 1e-10), (torch.float32, 1e-5)]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def prompt_embeds(dtype: torch.dtype) -> Tensor:
    return values("words", (1, 5, WORDS)).to(dtype)


def condition(kind: str, dtype: torch.dtype) -> Tensor:
    if kind == "flow":
        flow = values("flow", (1, 2, FRAMES, 8 * SIDE, 8 * SIDE))[0].transpose(0, 1)
        return torch.nn.functional.pixel_unshuffle(flow, 8).to(dtype)
    picture = values("picture", (1, 4, FRAMES, SIDE, SIDE))[0].transpose(0, 1)
    given = torch.zeros(FRAMES, 1, SIDE, SIDE, dtype=picture.dtype)
    given[0] = 1
    return torch.cat([picture, given], dim=1).to(dtype)


def branch_of(kind: str, dtype: torch.dtype) -> SparseBranch:
    return build_branch(split_checkpoint(tiny(kind, dtype), kind, kind), kind)[0]


@cache
def residuals(kind: str, dtype: torch.dtype) -> UNetResiduals:
    branch = branch_of(kind, dtype)
    with torch.no_grad():
        return branch(branch.features(condition(kind, dtype)), TIME, prompt_embeds(dtype))


def few(found: UNetResiduals) -> Tensor:
    """Some numbers of every residual, as they were taken of the original's (B, C, T, h, w)."""
    parts = []
    for part in (*found.down_block_residuals, found.mid_block_residual):
        strided = part.double().flatten()[:: max(1, part.numel() // 8)]
        parts.append(strided[:8])
    return torch.cat(parts)


def golden(name: str) -> Tensor:
    return torch.tensor(GOLDEN[name], dtype=torch.float64)


@pytest.mark.parametrize(("dtype", "within"), WITHIN)
@pytest.mark.parametrize("kind", ["flow", "image"])
def test_parity_of_the_control_networks(kind: str, dtype: torch.dtype, within: float) -> None:
    found = residuals(kind, dtype)
    assert found.mid_block_residual.dtype == dtype
    torch.testing.assert_close(few(found), golden(kind), rtol=0, atol=within)


@pytest.mark.parametrize(("dtype", "within"), WITHIN)
def test_parity_of_the_unet(dtype: torch.dtype, within: float) -> None:
    unet = build_unet(split_checkpoint(tiny("unet", dtype), "unet", "tiny"), "tiny")
    latents = values("latents", (1, 4, FRAMES, SIDE, SIDE)).to(dtype)
    both = summed([residuals("image", dtype), residuals("flow", dtype)])
    assert both is not None and summed([]) is None
    added_residuals = {
        "down_block_additional_residuals": both.down_block_residuals,
        "mid_block_additional_residual": both.mid_block_residual,
    }
    embeds = prompt_embeds(dtype).expand(FRAMES, -1, -1)
    for name, added in (("unet", {}), ("steered", added_residuals)):
        with torch.no_grad():
            got = unet(latents, TIME, embeds, **added).sample
        picked = got.double().flatten()[::7]
        torch.testing.assert_close(picked, golden(name), rtol=0, atol=within)


@pytest.mark.parametrize(("dtype", "within"), WITHIN)
@pytest.mark.parametrize("motion", ["object", "camera"])
def test_parity_of_both_lora(motion: str, dtype: torch.dtype, within: float) -> None:
    parts = split_checkpoint(tiny_with_lora(dtype), "flow", "tiny")
    branch, lora = build_branch(parts, "tiny")
    before = {name: weight.clone() for name, weight in branch.state_dict().items()}
    merged = lora[motion].merged(branch)
    features = branch.features(condition("flow", dtype), merged)
    with torch.no_grad():
        found = branch.with_weights(merged, features, TIME, prompt_embeds(dtype))
    torch.testing.assert_close(few(found), golden(motion), rtol=0, atol=within)
    assert all(torch.equal(value, before[name]) for name, value in branch.state_dict().items())


def strokes() -> Tracks:
    """What the golden condition was drawn from: three strokes, the last over the first, and one
    point alone, which Image Conductor lets drift."""
    step = torch.arange(16.0, dtype=torch.float64)
    tracks = [
        torch.stack([20.3 + step * 2.5, 30.7 + 0.2 * step * step], -1),
        torch.stack([100.9 - step * 3.1, 80.2 + step % 3], -1),
        torch.stack([50.5 + 0 * step, 60.5 + 0 * step], -1),
        torch.stack([20.3 + step * 1.5, 30.7 + step * 0.5], -1),
    ]
    return make_tracks(torch.stack(tracks, 1), Size(160, 112))


def test_parity_of_the_flow_condition() -> None:
    drawn = flow_condition(strokes(), Size(160, 112)).double()
    assert drawn.shape == (16, 128, 14, 20)
    picked = drawn.flatten()[::1201]
    torch.testing.assert_close(picked, golden("condition"), rtol=0, atol=1e-6)
    squares = (drawn**2).sum((2, 3)).flatten()[::37]
    torch.testing.assert_close(squares, golden("condition_squares"), rtol=1e-4, atol=1e-9)


def test_the_flow_of_a_smaller_picture_is_counted_in_its_pixels() -> None:
    tracks = strokes()
    twice = make_tracks(tracks.xy * 2, Size(320, 224))
    small, same = flow_condition(twice, Size(160, 112)), flow_condition(tracks, Size(160, 112))
    torch.testing.assert_close(small, same, rtol=0, atol=1e-6)


def test_flow_of_nothing_is_nothing_and_odd_sizes_are_refused() -> None:
    assert not flow_condition(empty_tracks(4, Size(16, 8)), Size(16, 8)).any()
    one = make_tracks(torch.full((1, 1, 2), 4.0), Size(16, 8))
    assert not flow_condition(one, Size(16, 8)).any()
    with pytest.raises(CanvasError, match="whole cells. Got 20x8"):
        flow_condition(empty_tracks(4, Size(20, 8)), Size(20, 8))
