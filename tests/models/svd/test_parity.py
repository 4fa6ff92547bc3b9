"""Our forward against numbers of the authors' modules.

parity.json was written beside the project: the authors' network (VideoUNet_flow, its LoRA, its
EDM sampler) with the weights of originals.recipe. It holds results alone.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from motion_core.models.svd.checkpoint import build, split_checkpoint

from .originals import HEAD, tiny_checkpoint, values

pytestmark = pytest.mark.slow

GOLDEN = json.loads((Path(__file__).parent / "parity.json").read_text())
FRAMES, SIDE = 3, 8
SHAPE = (1, FRAMES, 4, SIDE, SIDE)
TIME_IDS = (8.0, 17.0, 0.02)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Latents, the picture's latents, the picture's embedding and the motion condition."""
    condition = 5 * values("flow", (1, FRAMES, 3, 8 * SIDE, 8 * SIDE))
    picture = values("picture", (1, 4, SIDE, SIDE))
    return values("latents", SHAPE), picture, values("words", (1, 1, 24)), condition[0]


@torch.no_grad()
def forward(dtype: torch.dtype, *, lora: bool) -> Tensor:
    latents, picture, embeds, condition = (value.to(dtype) for value in inputs())
    parts = split_checkpoint(tiny_checkpoint(lora=lora, dtype=dtype), "tiny")
    unet, adapter, update = build(parts, "tiny", HEAD)
    given = torch.cat([latents, picture[:, None].expand(-1, FRAMES, -1, -1, -1)], dim=2)
    ids, noise = torch.tensor([TIME_IDS]), torch.tensor(0.25 * math.log(2.5))
    with adapter.attached(unet, adapter.modulations(condition), 1.0):
        weights = update.merged(unet, 1.0)
        return functional_call(unet, weights, (given, noise, embeds, ids)).sample


# diffusers makes sines of time in float32, whose last digit depends on the processor.
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-8), (torch.float32, 1e-5)])
@pytest.mark.parametrize("lora", [False, True])
def test_parity_of_the_unet_with_motion(dtype: torch.dtype, within: float, lora: bool) -> None:
    wanted = torch.tensor(GOLDEN["lora" if lora else "plain"], dtype=torch.float64).view(SHAPE)
    got = forward(dtype, lora=lora)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), wanted, rtol=0, atol=within)
