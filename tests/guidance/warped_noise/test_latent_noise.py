"""Noise of the shape of a latent."""

from __future__ import annotations

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.fields.motion_field import field_on_canvas
from motion_core.geometry import Size
from motion_core.guidance.warped_noise import (
    FieldMotion,
    NoiseGrid,
    NoiseSettings,
    VideoMotion,
    latent_noise,
    mixed_noise,
    warped_noise,
)

CANVAS = Size(64, 48)


def pan(frames: int, step: float) -> FieldMotion:
    """Everything moves to the right by `step` pixels a frame."""
    shift = torch.zeros(frames, 48, 64, 2)
    shift[..., 0] = torch.arange(frames).float()[:, None, None] * step
    return FieldMotion(field_on_canvas(shift, CANVAS))


@pytest.mark.parametrize(
    ("shape", "frames", "shift"),
    [
        ((2, 3, 4, 6, 8), 13, 2),  # 8 pixels a cell, 4 frames a latent frame
        ((1, 3, 2, 3, 4), 9, 2),  # 16 pixels, 8 frames
        ((1, 3, 3, 6, 8), 13, 3),  # 6 frames
        ((4, 3, 6, 8), 4, 1),  # a batch of pictures
    ],
)
def test_the_noise_follows_at_every_stride(shape: tuple, frames: int, shift: int) -> None:
    stride = (frames - 1) // (max(shape[0], 1) - 1 if len(shape) == 4 else shape[2] - 1)
    cell = 64 // shape[-1]
    motion = pan(frames, shift * cell / stride)
    noise = latent_noise(shape, motion, NoiseSettings(seed=4, detail=4))
    assert noise.shape == shape and noise.dtype == torch.float32
    clip = noise.permute(1, 0, 2, 3) if len(shape) == 4 else noise
    first, second = (clip[:, 0], clip[:, 1]) if len(shape) == 4 else (clip[:, :, 0], clip[:, :, 1])
    torch.testing.assert_close(second[..., shift:], first[..., :-shift])


def test_entries_have_their_own_noise_wherever_they_stand() -> None:
    motion, settings = pan(5, 1.3), NoiseSettings(seed=2, detail=2)
    both = latent_noise((2, 3, 2, 6, 8), motion, settings)
    assert (both[0] - both[1]).abs().mean() > 0.5
    alone = latent_noise((1, 3, 2, 6, 8), motion, settings, entries=[1])
    torch.testing.assert_close(alone[0], both[1])
    other = latent_noise((2, 3, 2, 6, 8), motion, NoiseSettings(seed=3, detail=2))
    assert (both - other).abs().mean() > 0.5


def test_generators_share_the_channels() -> None:
    grid = NoiseGrid(Size(4, 4), 1, 6, detail=1)
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    (frame,) = warped_noise([], grid, generators)
    for seed, part in zip((1, 2), frame.split(3), strict=True):
        wanted = torch.randn(16, 3, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(part.permute(1, 2, 0).reshape(16, 3), wanted)
    with pytest.raises(ValueError, match="4 generators cannot share 6 channels"):
        warped_noise([], grid, generators * 2)


def test_a_video_is_measured() -> None:
    video = torch.rand(5, 48, 64, 3, generator=torch.Generator().manual_seed(0))
    still = VideoMotion(video, lambda first, second: torch.zeros(48, 64, 2))
    noise = latent_noise((1, 4, 2, 6, 8), still, NoiseSettings())
    assert torch.equal(noise[:, :, 0], noise[:, :, 1])


def test_the_mixture_has_the_type_of_the_latent() -> None:
    white = torch.randn(1, 2, 3, 4, 4, generator=torch.Generator().manual_seed(1)).half()
    mixed = mixed_noise(torch.zeros(1, 2, 3, 4, 4), white, 0.5)
    assert mixed.dtype == torch.float16 and mixed.is_contiguous()


def test_latents_that_do_not_belong_are_refused() -> None:
    motion, settings = pan(13, 1.0), NoiseSettings()
    with pytest.raises(ShapeError, match=r"\(B, C, T, H, W\).*got \(3, 6, 8\)"):
        latent_noise((3, 6, 8), motion, settings)
    with pytest.raises(ShapeError, match="a single frame"):
        latent_noise((1, 3, 1, 6, 8), motion, settings)
    with pytest.raises(ShapeError, match="13 frames, but 6 latent frames stand for 6, 21, 31, 41"):
        latent_noise((1, 3, 6, 6, 8), motion, settings)
    with pytest.raises(ValueError, match="8x8 cells.*64x48 pixels.*other proportions"):
        latent_noise((1, 3, 4, 8, 8), motion, settings)
