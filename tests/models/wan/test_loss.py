"""What Wan is trained on, by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.training.wan.loss import flow_matching_loss

from . import toy


def test_the_loss_is_that_of_a_straight_path() -> None:
    clean = torch.full((2, 1, 1, 2, 2), 3.0)
    given, words = torch.full((2, 5, 1, 2, 2), 7.0), torch.zeros(2, 1, 4)
    asked: list[dict[str, Any]] = []

    def transformer(**arguments: Any) -> tuple[torch.Tensor]:
        asked.append(arguments)
        return (torch.zeros(2, 1, 1, 2, 2),)

    for shift in (1.0, 3.0):
        loss = flow_matching_loss(
            transformer, clean, given, words, torch.Generator().manual_seed(5), flow_shift=shift
        )
        draw = torch.Generator().manual_seed(5)
        even, noise = torch.rand(2, generator=draw), torch.randn(clean.shape, generator=draw)
        sigma = shift * even / (1 + (shift - 1) * even)
        torch.testing.assert_close(loss, (noise - 3.0).square().mean())
        torch.testing.assert_close(asked[-1]["timestep"], sigma * 1000)
        for clip in range(2):
            noisy = (1 - sigma[clip]) * 3.0 + sigma[clip] * noise[clip]
            torch.testing.assert_close(asked[-1]["hidden_states"][clip, :1], noisy)
        assert asked[-1]["hidden_states"][:, 1:].eq(7.0).all()
    with pytest.raises(ShapeError, match="must share all but their channels"):
        flow_matching_loss(transformer, clean, given[:1], words, torch.Generator())


@pytest.mark.slow
def test_a_control_learns_on_a_frozen_base() -> None:
    base = toy.base().requires_grad_(False)
    before = [one.clone() for one in base.parameters()]
    control, batch = toy.control_of(base), toy.toys(3, count=2)
    optimizer = torch.optim.Adam(control.parameters(), 3e-3)
    losses = []
    for _ in range(5):
        # The same noise and the same ids each time: only learning can lower it.
        same = torch.Generator().manual_seed(0)
        loss = toy.loss_of(base, control, batch, 0, same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    words = torch.zeros(2, 1, 4)
    alone = flow_matching_loss(
        base, batch.latents, batch.condition_latents, words, torch.Generator().manual_seed(0)
    )
    assert losses[0] == float(alone)
    assert losses[-1] < 0.9 * losses[0]
    assert all(map(torch.equal, before, base.parameters()))
