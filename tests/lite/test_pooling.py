"""The base's estimates: noise reduced by averaging over similar cells."""

from __future__ import annotations

import pytest
import torch

from motion_core.models.lite.pooling import (
    BLOCK,
    ESTIMATES,
    REACHES,
    SIGNAL,
    ImageFeatures,
    encode_image,
    estimates,
)
from tests.lite.models import tiny_lite


@pytest.fixture(scope="module")
def features() -> ImageFeatures:
    torch.set_num_threads(1)
    picture = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return encode_image(tiny_lite().encoder, picture)


def test_weights_of_blocks_sum_to_one(features: ImageFeatures) -> None:
    blocks = (8 // BLOCK) ** 2
    assert features.weights.shape == (2, len(REACHES), 64, blocks)
    torch.testing.assert_close(features.weights.sum(dim=-1), torch.ones(2, len(REACHES), 64))
    nearest = features.weights[:, 0].argmax(dim=-1).view(2, 8, 8)
    assert nearest[0, 0, 0] == 0 and nearest[0, 7, 7] == blocks - 1


def test_weights_follow_affinity_and_distance_as_an_oracle_does(
    features: ImageFeatures,
) -> None:
    encoder = tiny_lite().encoder
    codes = encoder.affinity(features.features)[0].view(2, 4, 8, 8)
    pooled = encoder.affinity(torch.nn.functional.avg_pool2d(features.features, BLOCK))[0]
    pooled = pooled.view(2, 4, 2, 2)
    row, column = 5, 2
    weights = torch.zeros(2, 2)
    for y in range(2):
        for x in range(2):
            cosine = torch.cosine_similarity(codes[:, :, row, column], pooled[:, :, y, x]).mean()
            # A cell of this grid is one unit wide, a block four.
            apart = (row + 0.5 - 4 * y - 2) ** 2 + (column + 0.5 - 4 * x - 2) ** 2
            weights[y, x] = torch.sigmoid(8 * cosine - 3) * torch.exp(
                torch.tensor(-apart / (2 * REACHES[1] ** 2))
            )
    wanted = (weights / weights.sum()).flatten()
    torch.testing.assert_close(features.weights[0, 1, row * 8 + column], wanted)


def test_estimates_are_zero_in_noise_and_the_mean_without_it(features: ImageFeatures) -> None:
    clean = torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(1))
    pure = estimates(clean, torch.ones(2), features)
    assert pure.shape == (2, ESTIMATES, 6, 8, 8) and not pure.any()
    noiseless = estimates(clean, torch.zeros(2), features)
    torch.testing.assert_close(noiseless[:, 0], clean)
    flat = estimates(torch.full((2, 6, 8, 8), 3.0), torch.zeros(2), features)
    torch.testing.assert_close(flat, torch.full_like(flat, 3.0))


def test_estimates_are_the_best_linear_ones_for_uniform_motion(
    features: ImageFeatures,
) -> None:
    generator = torch.Generator().manual_seed(2)
    clean = torch.randn(2, 20_000, 1, 1, generator=generator) * SIGNAL**0.5
    noise = torch.randn(2, 20_000, 8, 8, generator=generator)
    tau = torch.tensor([0.8, 0.8])
    found = estimates(0.2 * clean + 0.8 * noise, tau, features)
    for which in range(ESTIMATES):
        miss = [float((found[:, which] * gain - clean).square().mean()) for gain in (0.9, 1.0, 1.1)]
        assert miss[1] < miss[0] and miss[1] < miss[2]
