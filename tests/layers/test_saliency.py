"""U²-Net-p in torch: the numbers of the published network, on windows of a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.layers.cut import window_around
from motion_core.layers.saliency import Box, saliency, saliency_network
from motion_core.layers.u2net import ResidualUBlock, U2NetP

from .pictures import CENTRE, SIZE, disc_alpha, disc_picture, overlap

# Every 52nd pixel from the 30th of what onnxruntime 1.32 returns for the original u2netp.onnx, in
# single precision.
ORIGINAL = [
    [3.0696e-06, 2.2054e-06, 1.8775e-06, 4.9770e-06, 3.2485e-06, 3.5167e-06],
    [1.3113e-06, 1.4007e-06, 4.5598e-06, 9.9999e-01, 1.2678e-04, 3.5763e-07],
    [4.0233e-06, 9.2387e-07, 9.9999e-01, 9.9999e-01, 1.0000e00, 6.5565e-07],
    [3.3677e-06, 1.1325e-06, 5.6271e-01, 9.9999e-01, 9.9999e-01, 6.2585e-07],
    [1.1921e-06, 1.0133e-06, 3.0100e-06, 1.9670e-06, 4.1723e-07, 1.7881e-06],
    [3.9041e-06, 2.6524e-06, 1.4305e-06, 2.3246e-06, 1.6391e-06, 1.9968e-06],
]


def test_the_network_returns_what_the_original_returns() -> None:
    y, x = np.mgrid[0:320, 0:320] / 320
    disc = ((x - 0.6) ** 2 + (y - 0.45) ** 2 < 0.05).astype(np.float32)
    red = disc * 1.5 - 0.5 + 0.2 * np.sin(9 * x)
    green = 0.3 * np.cos(7 * y) - disc
    blue = 0.4 * x * y - 0.2 + disc * np.sin(30 * x)
    planes = torch.from_numpy(np.stack([red, green, blue])[None].astype(np.float32))
    with torch.inference_mode():
        found = torch.sigmoid(saliency_network().logits(planes))[0, 0].numpy()
    # The shipped weights are rounded to half precision: it shows on the outline alone.
    np.testing.assert_allclose(found[30::52, 30::52], ORIGINAL, atol=0.04)
    certain = np.abs(np.array(ORIGINAL) - 0.5) > 0.4
    np.testing.assert_allclose(
        found[30::52, 30::52][certain], np.array(ORIGINAL)[certain], atol=1e-4
    )


def test_the_network_has_the_published_number_of_weights() -> None:
    assert sum(value.numel() for value in U2NetP().parameters()) == 1_125_485


@pytest.mark.parametrize(("height", "dilated"), [(7, False), (4, False), (4, True)])
def test_a_block_keeps_the_size_of_odd_maps(height: int, dilated: bool) -> None:
    block = ResidualUBlock(3, height, dilated=dilated)
    assert block(torch.zeros(1, 3, 37, 51)).shape == (1, 64, 37, 51)


def test_a_disc_is_salient_in_the_window_around_it() -> None:
    picture = disc_picture().numpy()
    box = window_around(np.array(CENTRE), 110, SIZE)
    found = saliency(picture, box)
    assert found.shape == (box.size.height, box.size.width)
    assert overlap(found + 0.5, disc_alpha()[box.slices]) > 0.95


@pytest.mark.parametrize("centre", [(0, 0), (160, 120), (80, 3)])
def test_a_window_lies_in_the_picture(centre: tuple[float, float]) -> None:
    box = window_around(np.array(centre, float), 100, SIZE)
    assert box.size == (100, 100)
    assert box.left >= 0 and box.top >= 0 and box.right <= 160 and box.bottom <= 120


def test_a_window_is_no_larger_than_the_picture() -> None:
    assert window_around(np.array([5.0, 5.0]), 999, SIZE) == Box(0, 0, 160, 120)


def test_the_map_of_a_picture_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(5).random((40, 50, 3)).astype(np.float32)
    first = saliency(picture, Box(0, 0, 50, 40), 32)
    with monkeypatch.context() as patch:
        patch.setattr("motion_core.layers.saliency.saliency_network", lambda: pytest.fail("again"))
        np.testing.assert_array_equal(saliency(picture.copy(), Box(0, 0, 50, 40), 32), first)
    assert not np.array_equal(saliency(picture[::-1], Box(0, 0, 50, 40), 32), first)
