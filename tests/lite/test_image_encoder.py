"""What lite sees with: corrections that begin as nothing, and eyes that are somebody's own."""

from __future__ import annotations

import torch

from motion_core.models.lite.control_encoder import ControlEncoder
from motion_core.models.lite.image_encoder import ImageBackbone

from .models import SIZES


def picture() -> torch.Tensor:
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@torch.no_grad()
def test_what_sharpens_begins_as_nothing_and_then_counts() -> None:
    torch.manual_seed(0)
    net = ImageBackbone(SIZES).eval()
    plain = net(picture())
    fine, sharpen = net.fine[-1], net.sharpen[1][-1]
    for layer in (fine, sharpen):
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


def test_copied_eyes_are_frozen_and_do_not_learn_along() -> None:
    torch.manual_seed(0)
    encoder = ControlEncoder(SIZES)
    own = encoder.copied()
    before = own.features(picture())
    assert torch.equal(before, encoder.features(picture()).detach())
    with torch.no_grad():
        for value in encoder.parameters():
            value.add_(0.1)
    assert torch.equal(own.features(picture()), before)
    assert not any(value.requires_grad for value in own.parameters())
    assert {name.split(".")[0] for name in own.state_dict()} == {"picture", "affinity"}
