"""Re-noise refinement against its definition, on toy networks and a toy autoencoder."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from motion_core.errors import ShapeError
from motion_core.guidance.refine import (
    RefineSettings,
    Render,
    kept_channels,
    refined,
    replacing,
    soft_edges,
)
from motion_core.guidance.refine.reference import refine_reference
from motion_core.guidance.refine.refine import channel_agreement, corrected

from .test_motion_transfer import CASES, SHAPES, setting


class Autoencoder:
    """Pictures of twice the latents' size; encoding averages, decoding repeats: exact on latents
    of three channels."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.is_stack = len(shape) == 4

    def decode(self, latents: Tensor) -> Tensor:
        clip = latents if self.is_stack else latents[0].transpose(0, 1)
        return functional.interpolate(clip, scale_factor=2.0).permute(0, 2, 3, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        clip = functional.avg_pool2d(pixels.permute(0, 3, 1, 2), 2)
        return clip if self.is_stack else clip.transpose(0, 1)[None]


def render_for(shape: tuple[int, ...], dtype: torch.dtype) -> Render:
    frames = shape[0] if len(shape) == 4 else shape[2]
    size = (frames, 2 * shape[-2], 2 * shape[-1])
    generator = torch.Generator().manual_seed(8)
    weights = torch.rand(size, generator=generator).round_(decimals=1)
    return Render(torch.rand(*size, 3, generator=generator).to(dtype), weights.to(dtype))


class Draws:
    """The same sequence of noise for both."""

    def __init__(self, like: Tensor) -> None:
        self.like, self.generator = like, torch.Generator().manual_seed(6)

    def __call__(self) -> Tensor:
        return torch.randn(self.like.shape, generator=self.generator).to(self.like)


def one_clip(name: str, layout: str, dtype: torch.dtype) -> tuple:
    schedule, sigmas, estimate, _, start, _ = setting(name, layout, dtype)
    return schedule, sigmas, estimate, start if layout == "4-D" else start[:1]


def run(case: tuple, render: Render, settings: RefineSettings, guided: int) -> Tensor:
    schedule, sigmas, estimate, x = case
    coder, draw = Autoencoder(tuple(x.shape)), Draws(x)
    replace = replacing(render, coder.decode, coder.encode)
    for step, (sigma, later) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        z = estimate(x, sigma)
        if step < guided:
            x, z = refined(
                x, sigma, lambda y, s=sigma: estimate(y, s), replace, schedule, draw, settings
            )
        x = x + (later - sigma) * (x - z) / sigma
    return x


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_a_run_equals_the_reference(
    name: str, layout: str, dtype: torch.dtype, most: float
) -> None:
    case, settings = one_clip(name, layout, dtype), RefineSettings(2, 1.8)
    schedule, sigmas, estimate, start = case
    render, coder = render_for(tuple(start.shape), dtype), Autoencoder(tuple(start.shape))
    wanted = refine_reference(
        estimate,
        (coder.decode, coder.encode),
        schedule,
        start,
        render,
        sigmas,
        3,
        Draws(start),
        settings,
    )
    scale = max(float(start.abs().max()), 1.0)
    assert (run(case, render, settings, 3) - wanted).abs().max() / scale <= most
    assert (run(case, render, settings, 0) - wanted).abs().max() > 1e-3, "refinement acts"


def test_without_resamples_nothing_changes_bit_for_bit() -> None:
    case = one_clip("flow", "5-D", torch.float32)
    render = render_for(tuple(case[3].shape), torch.float32)
    none = run(case, render, RefineSettings(0, 1.8), 4)
    assert torch.equal(none, run(case, render, RefineSettings(2, 1.8), 0))


def test_a_render_without_valid_pixels_only_noises_anew() -> None:
    coder, latents = Autoencoder((1, 3, 4, 5, 6)), torch.rand(1, 3, 4, 5, 6)
    empty = Render(torch.rand(4, 10, 12, 3), torch.zeros(4, 10, 12))
    replace = replacing(empty, coder.decode, coder.encode)
    torch.testing.assert_close(replace(latents), latents)
    full = Render(torch.rand(4, 10, 12, 3), torch.ones(4, 10, 12))
    shown = replacing(full, coder.decode, coder.encode)(latents)
    torch.testing.assert_close(shown, coder.encode(full.frames))


def test_kept_channels_stay_the_models() -> None:
    coder, latents = Autoencoder((1, 3, 4, 5, 6)), torch.rand(1, 3, 4, 5, 6)
    full = Render(torch.rand(4, 10, 12, 3), torch.ones(4, 10, 12))
    shown = replacing(full, coder.decode, coder.encode, lambda *_: [1])(latents)
    assert torch.equal(shown[:, 1], latents[:, 1])
    assert not torch.equal(shown[:, 0], latents[:, 0])


def shift_between(first: Tensor, second: Tensor) -> Tensor:
    """The whole shift in x that matches two rows best, everywhere."""
    gaps = [float((first - second.roll(-step, 1)).abs().sum()) for step in range(-2, 3)]
    step = gaps.index(min(gaps)) - 2
    return torch.tensor([float(step), 0.0]).expand(*first.shape, 2)


def test_the_channels_that_move_otherwise_are_kept() -> None:
    generator = torch.Generator().manual_seed(2)
    pictures = torch.rand(8, 6, 12, generator=generator)

    def moving(steps: list[int]) -> Tensor:
        frames = [
            torch.stack([p.roll(s * t, 1) for p, s in zip(pictures, steps, strict=True)])
            for t in range(4)
        ]
        return torch.stack(frames, 1)[None]

    shown, own = moving([1] * 8), moving([1, 1, -1, 1, 1, 1, 0, 1])
    agreement = channel_agreement(own, shown, shift_between)
    assert int(agreement.argmin()) == 2 and agreement[0] > 0.99
    assert kept_channels(own, shown, 0.1, shift_between) == []
    assert kept_channels(own, shown, 0.3, shift_between) == [2]
    assert kept_channels(own, shown, 0.9, shift_between) == [2, 6]
    stack = kept_channels(own[0].transpose(0, 1), shown[0].transpose(0, 1), 0.9, shift_between)
    assert stack == [2, 6]


def test_correction_pushes_away_from_the_first_direction() -> None:
    good, worse = torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0])
    assert torch.equal(corrected(good, worse, 0.0), good)
    torch.testing.assert_close(corrected(good, good, 2.0), good, atol=1e-3, rtol=0)
    # cos = 1 / sqrt 2, sin = 1 / sqrt 2: the part across `worse` is (0, 1).
    wanted = good + 2.0 * math.sqrt(0.5) * torch.tensor([0.0, 1.0])
    torch.testing.assert_close(corrected(good, worse, 2.0), wanted)


def test_edges_rise_by_a_quarter_sine() -> None:
    valid = torch.ones(2, 9, 40, dtype=torch.bool)
    valid[0, :, :10] = False
    weights = soft_edges(valid, 10.0)
    assert not weights[0, :, :10].any() and bool((weights[1] == 1).all())
    row = weights[0, 4, 10:25]
    wanted = torch.sin((torch.arange(15.0) + 0.5).div(10).clamp(max=1) * math.pi / 2)
    torch.testing.assert_close(row, wanted, atol=0.02, rtol=0)
    assert torch.equal(soft_edges(valid, 0.0), valid.float())


def test_bad_values_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"a render is \(T, H, W, 3\)"):
        Render(torch.zeros(2, 4, 4), torch.zeros(2, 4, 4))
    with pytest.raises(ShapeError, match=r"must be \(2, 4, 4\)"):
        Render(torch.zeros(2, 4, 4, 3), torch.zeros(1, 4, 4))
    render = Render(torch.zeros(2, 4, 4, 3), torch.zeros(2, 4, 4))
    with pytest.raises(ShapeError, match="size and number of frames"):
        render.over(torch.zeros(3, 4, 4, 3))
    with pytest.raises(ShapeError, match="Connect the VAE of the model"):
        replacing(render, lambda z: torch.zeros(2, 4, 4, 3), lambda p: p)(
            torch.zeros(1, 3, 2, 2, 2)
        )
    with pytest.raises(ValueError, match="finite numbers from 0"):
        RefineSettings(-1)
