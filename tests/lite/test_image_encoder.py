"""The image encoder: layers that start at zero, unit codes, and frozen copies."""

from __future__ import annotations

import torch

from motion_core.models.lite.control_encoder import ControlEncoder
from motion_core.models.lite.image_encoder import ImageBackbone

from .models import SIZES


def picture() -> torch.Tensor:
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@torch.no_grad()
def test_refining_layers_start_at_zero_and_then_count() -> None:
    torch.manual_seed(0)
    net = ImageBackbone(SIZES).eval()
    plain = net(picture())
    for layer in (net.fine[-1], net.refine[1][-1]):
        torch.nn.init.normal_(layer.weight, std=0.3)
        assert not torch.equal(net(picture()), plain)
        torch.nn.init.zeros_(layer.weight)
        assert torch.equal(net(picture()), plain)


def test_codes_are_unit_vectors_that_affinity_makes() -> None:
    torch.manual_seed(0)
    encoder = ControlEncoder(SIZES)
    features = encoder.features(picture())
    codes = encoder.codes(features.flatten(2).transpose(1, 2))
    assert codes.shape == (1, SIZES.heads, 64, SIZES.head_dim)
    wanted = encoder.affinity(features).view(1, SIZES.heads, SIZES.head_dim, 64)
    wanted = torch.nn.functional.normalize(wanted, dim=2).transpose(-1, -2)
    torch.testing.assert_close(codes, wanted)


def test_a_frozen_copy_keeps_its_weights_and_learns_nothing() -> None:
    torch.manual_seed(0)
    encoder = ControlEncoder(SIZES)
    copy = encoder.frozen_copy()
    before = copy.features(picture())
    assert torch.equal(before, encoder.features(picture()).detach())
    with torch.no_grad():
        for value in encoder.parameters():
            value.add_(0.1)
    assert torch.equal(copy.features(picture()), before)
    assert not any(value.requires_grad for value in copy.parameters())
    assert {name.split(".")[0] for name in copy.state_dict()} == {"backbone", "affinity"}
