"""The toys in a few steps: gradients reach the control and nothing else, and it learns.

Whole runs are commands: python -m tests.models.animatediff.toy, and of svd and wan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .animatediff import toy as animatediff
from .blobs import COLOUR, PX, Kind, blobs, error_px
from .svd import toy as svd

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _animatediff(
    make: Callable[[Any], nn.Module] = animatediff.control_of,
) -> tuple[Any, nn.Module, Callable[[nn.Module | None], Tensor]]:
    unet = animatediff.base().requires_grad_(False)
    batch = blobs(3, 2, animatediff.KIND)

    def loss(control: Any) -> Tensor:
        # The same noise and the same ids each time: only learning can lower it.
        return animatediff.loss_of(unet, control, batch, 0, torch.Generator().manual_seed(0))

    return unet, make(unet), loss


def _flow() -> tuple[Any, nn.Module, Callable[[nn.Module | None], Tensor]]:
    return _animatediff(animatediff.flow_control_of)


def _svd() -> tuple[Any, nn.Module, Callable[[nn.Module | None], Tensor]]:
    unet = svd.base().requires_grad_(False)
    batch = blobs(3, 2, svd.KIND)

    def loss(control: Any) -> Tensor:
        return svd.loss_of(unet, control, batch, torch.Generator().manual_seed(0))

    return unet, svd.Control(unet), loss


def unreached(control: nn.Module) -> list[str]:
    """Names of weights without a gradient; halves of LoRA are called by the layer they update."""
    missed = []
    for name, value in control.named_parameters():
        if value.grad is None or not value.grad.any():
            part, _, number = name.rpartition(".")
            is_lora = isinstance(control, svd.Control) and part.startswith("lora.")
            missed.append(control.lora.names[int(number)] if is_lora else name)  # type: ignore[union-attr, index]
    return missed


@pytest.mark.parametrize("toy", [_animatediff, _flow, _svd])
def test_a_control_learns_alone_on_a_frozen_base(toy: Any) -> None:
    unet, control, loss_of = toy()
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    optimizer = torch.optim.Adam(control.parameters(), 3e-3)
    losses = []
    for _ in range(6):
        loss = loss_of(control)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    # A new control changes nothing; then every weight of it is reached that does not read words, or
    # the noise that SparseCtrl is never shown.
    torch.testing.assert_close(losses[0], float(loss_of(None)), rtol=1e-5, atol=0)
    assert losses[-1] < 0.9 * losses[0]
    idle = ("attn2.", "blocks.0.norm2.", "conv_in.weight")
    assert all(any(part in name for part in idle) for name in unreached(control))
    assert all(value.grad is None for value in unet.parameters())
    assert all(torch.equal(value, before[name]) for name, value in unet.state_dict().items())


def test_errors_of_clips_are_distances_of_blobs() -> None:
    batch = blobs(5, 3, Kind(frames=2))
    assert batch.clean.shape == (3, 2, 4, 8, 8) and batch.path.shape == (3, 2, 2)
    assert error_px(batch.clean, batch) < 1.0
    # All brightness in the first cell.
    corner = torch.zeros_like(batch.clean)
    corner[..., 0, 0] = COLOUR
    wanted = (batch.path - 4.0).norm(dim=-1)
    assert error_px(corner, batch) == pytest.approx(float(wanted.mean()), rel=1e-5)
    assert error_px(corner, batch, first=1) == pytest.approx(float(wanted[:, 1:].mean()), rel=1e-5)
    near = blobs(5, 50, Kind(reach_px=9.0)).path
    assert float((near[:, -1] - near[:, 0]).abs().max()) <= 9.0
    assert float(near.min()) >= 8 and float(near.max()) <= PX - 8
