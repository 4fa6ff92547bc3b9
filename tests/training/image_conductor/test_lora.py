"""The LoRA that is trained and its overlap with another: values by hand, and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from motion_core.errors import ShapeError
from motion_core.models.lora import LoraWeights
from motion_core.training.image_conductor.lora import (
    TrainedLora,
    overlap,
    printed_orthogonality,
    updatable,
)

NOTHING = torch.zeros(2, 1)


def test_the_overlap_is_the_mean_squared_cosine_of_what_both_read() -> None:
    # Rows at 0 and 90 degrees against one at 30 degrees: cos^2 is 3/4 and 1/4; lengths drop out.
    angle = math.radians(30)
    one = {"a": (torch.tensor([[2.0, 0.0], [0.0, 5.0]]), NOTHING)}
    other = {"a": (torch.tensor([[3 * math.cos(angle), 3 * math.sin(angle)]]), NOTHING)}
    assert float(overlap(one, other)) == pytest.approx((3 / 4 + 1 / 4) / 2)
    alone = {"a": (one["a"][0][:1], NOTHING)}
    assert float(overlap(alone, other)) == pytest.approx(3 / 4)
    # Layers of different sizes count alike; one that only one LoRA has does not count.
    same = torch.tensor([[1.0, 1.0, 1.0]])
    more = {**alone, "b": (same, NOTHING), "c": (same, NOTHING)}
    assert float(overlap(more, {**other, "b": (-same, NOTHING)})) == pytest.approx((3 / 4 + 1) / 2)
    across = {"a": (torch.tensor([[0.0, 7.0]]), NOTHING)}
    assert float(overlap(alone, across)) == 0
    # A convolution's row is all it reads, over channels and taps.
    taps = torch.randn(2, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    flat = taps.flatten(1)
    cosine = float(flat[0] @ flat[1] / flat[0].norm() / flat[1].norm())
    found = overlap({"a": (taps, NOTHING)}, {"a": (taps, NOTHING)})
    assert float(found) == pytest.approx((2 + 2 * cosine**2) / 4)


def test_only_the_first_lora_gets_a_gradient_and_descent_makes_it_orthogonal() -> None:
    generator = torch.Generator().manual_seed(1)
    ours, theirs = (torch.randn(2, 6, generator=generator).requires_grad_() for _ in range(2))
    optimizer = torch.optim.SGD([ours], lr=2.0)
    before = float(overlap({"a": (ours, NOTHING)}, {"a": (theirs, NOTHING)}))
    for _ in range(200):
        optimizer.zero_grad()
        loss = overlap({"a": (ours, NOTHING)}, {"a": (theirs, NOTHING)})
        loss.backward()
        optimizer.step()
    assert theirs.grad is None and ours.grad is not None
    assert float(loss) < 1e-4 < 0.01 < before
    # The rows turned away instead of vanishing.
    assert float(ours.detach().norm(dim=1).min()) > 0.5


def test_the_printed_orthogonality_is_equation_4_over_linear_layers() -> None:
    generator = torch.Generator().manual_seed(2)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    ours = {"a": (drawn(2, 5), drawn(7, 2)), "conv": (drawn(2, 3, 3, 3), drawn(4, 2, 1, 1))}
    theirs = {"a": (drawn(2, 5), drawn(7, 2)), "conv": ours["conv"]}
    expected = [
        (torch.eye(len(cam)) - cam @ mine.T).square().sum()
        for cam, mine in zip(theirs["a"], ours["a"], strict=True)
    ]
    found = printed_orthogonality(ours, theirs)
    torch.testing.assert_close(found, torch.stack(expected).mean())
    with pytest.raises(ShapeError, match="no linear layer"):
        printed_orthogonality({"conv": ours["conv"]}, theirs)
    with pytest.raises(ShapeError, match="one rank"):
        printed_orthogonality({"a": (drawn(3, 5), drawn(7, 3))}, theirs)


def test_the_printed_orthogonality_is_least_for_equal_rows_and_not_for_orthogonal_ones() -> None:
    rows = torch.linalg.qr(torch.randn(6, 4, generator=torch.Generator().manual_seed(3)))[0].T
    camera = {"a": (rows[:2], torch.zeros(0, 2))}
    orthogonal = {"a": (rows[2:], torch.zeros(0, 2))}
    assert float(overlap(orthogonal, camera)) < 1e-10
    assert float(printed_orthogonality(orthogonal, camera)) == pytest.approx(2 / 2)
    assert float(printed_orthogonality(camera, camera)) == pytest.approx(0, abs=1e-6)
    assert float(overlap(camera, camera)) == pytest.approx(1 / 2)


def test_loras_without_a_layer_in_common_are_refused() -> None:
    row = torch.ones(1, 2)
    with pytest.raises(ShapeError, match="no weight in common"):
        overlap({"a": (row, NOTHING)}, {"b": (row, NOTHING)})
    with pytest.raises(ShapeError, match="read 2 and 3 inputs"):
        overlap({"a": (row, NOTHING)}, {"a": (torch.ones(1, 3), NOTHING)})


def test_a_trained_lora_is_zero_when_new_and_merges_as_those_that_are_read() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 5, 1))
    network.add_module("last", nn.Linear(2, 7))
    shapes = updatable(network)
    assert shapes == {"0.weight": (4, 3, 3, 3), "2.weight": (5, 4, 1, 1), "last.weight": (7, 2)}
    lora, weights = TrainedLora(shapes, 2), dict(network.named_parameters())
    for name, value in lora.added(weights).items():
        assert torch.equal(value, weights[name])
    with torch.no_grad():
        for up in lora.up:
            up.normal_()
    expected = LoraWeights(lora.pairs()).merged(network)
    found = lora.added(weights)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value) and not torch.equal(value, weights[name])
    sum(one.sum() for one in found.values()).backward()  # type: ignore[union-attr]
    assert all(one.grad is not None for one in lora.parameters())
    assert lora.frozen().merged(network).keys() == expected.keys()
