"""How a model adds noise: one interface for flow models and for both scales of eps and v models.

Every model here noises a clean latent z with noise e as x = a(s) z + b(s) e, where s (sigma) is
the model's own noise level: flow models have a = 1 - s, b = s with s in 0..1; the k-diffusion
convention of eps and v models has a = 1, b = s; DDPM in its own scale has a = 1 / sqrt(1 + s^2),
b = s / sqrt(1 + s^2). An algorithm that uses a, b and denoised latents only is right for all of
them. In the first two conventions the probability-flow ODE is dx/ds = (x - z) / s.

Sigmas are floats, or tensors with one value, one value per batch entry, or the latents' number of
axes. Latents have any layout with the batch first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..errors import ShapeError

Sigma = float | Tensor
Prediction = Literal["flow", "epsilon", "v", "sample"]
PREDICTIONS: tuple[Prediction, ...] = ("flow", "epsilon", "v", "sample")


class NoiseSchedule(Protocol):
    """The two factors of x = a z + b e as functions of sigma; see the module."""

    def signal(self, sigma: Tensor) -> Tensor:
        """a(sigma), the factor of the clean latent; same shape as sigma."""
        ...

    def spread(self, sigma: Tensor) -> Tensor:
        """b(sigma), the factor of the noise; same shape as sigma."""
        ...


@dataclass(frozen=True)
class FlowSchedule:
    """Rectified flow, x = (1 - s) z + s e: Wan, LTX, Hunyuan, Mochi, Flux. s is 0..1."""

    def signal(self, sigma: Tensor) -> Tensor:
        """1 - sigma."""
        return 1.0 - sigma

    def spread(self, sigma: Tensor) -> Tensor:
        """sigma."""
        return sigma


@dataclass(frozen=True)
class VarianceExploding:
    """The k-diffusion convention, x = z + s e: eps and v models as ComfyUI samples them. s >= 0."""

    def signal(self, sigma: Tensor) -> Tensor:
        """1."""
        return torch.ones_like(sigma)

    def spread(self, sigma: Tensor) -> Tensor:
        """sigma."""
        return sigma


@dataclass(frozen=True)
class VariancePreserving:
    """DDPM in its own scale, x = sqrt(alpha_bar) z + sqrt(1 - alpha_bar) e.

    s = sqrt((1 - alpha_bar) / alpha_bar), the sigma of the same noise level in VarianceExploding.
    """

    def signal(self, sigma: Tensor) -> Tensor:
        """1 / sqrt(1 + sigma^2) = sqrt(alpha_bar)."""
        return (1.0 + sigma**2).rsqrt()

    def spread(self, sigma: Tensor) -> Tensor:
        """sigma / sqrt(1 + sigma^2) = sqrt(1 - alpha_bar)."""
        return sigma * (1.0 + sigma**2).rsqrt()


def sigma_like(sigma: Sigma, latents: Tensor) -> Tensor:
    """Sigma in the latents' dtype and on their device, shaped to broadcast against them.

    Raises:
        ShapeError: Sigma has neither one value, nor one per batch entry, nor the latents' axes.
    """
    if not isinstance(sigma, Tensor):
        return latents.new_tensor(sigma)
    value = sigma.to(latents)
    if value.ndim == latents.ndim:
        return value
    if value.numel() == 1:
        return value.reshape(())
    if value.shape == latents.shape[:1]:
        return value.reshape(-1, *[1] * (latents.ndim - 1))
    raise ShapeError(
        f"sigma must be one value or one per batch entry ({latents.shape[0]}); got "
        f"{tuple(value.shape)}."
    )


def add_noise(schedule: NoiseSchedule, clean: Tensor, noise: Tensor, sigma: Sigma) -> Tensor:
    """x = a z + b e: the clean latents at a noise level; the shape of `clean`."""
    level = sigma_like(sigma, clean)
    return schedule.signal(level) * clean + schedule.spread(level) * noise


def noise_between(schedule: NoiseSchedule, noised: Tensor, clean: Tensor, sigma: Sigma) -> Tensor:
    """e = (x - a z) / b: the noise that leads from clean latents to noised ones; sigma > 0."""
    level = sigma_like(sigma, noised)
    return (noised - schedule.signal(level) * clean) / schedule.spread(level)


def denoised(
    schedule: NoiseSchedule, noised: Tensor, output: Tensor, sigma: Sigma, prediction: Prediction
) -> Tensor:
    """The clean latents that a network's output stands for.

    Args:
        schedule: The noise schedule of `noised`.
        noised: x, any shape.
        output: What the network predicts, same shape: "flow" e - z; "epsilon" e; "sample" z;
            "v" a' e - b' z of the schedule scaled to a'^2 + b'^2 = 1 (Salimans and Ho, 2022).
        sigma: The noise level of x.
        prediction: Which of these the output is.

    Raises:
        ValueError: An unknown prediction.
    """
    level = sigma_like(sigma, noised)
    a, b = schedule.signal(level), schedule.spread(level)
    if prediction == "sample":
        return output
    if prediction == "epsilon":
        return (noised - b * output) / a
    if prediction == "flow":
        return (noised - b * output) / (a + b)
    if prediction == "v":
        norm = (a**2 + b**2).sqrt()
        return (a / norm) * (noised / norm) - (b / norm) * output
    raise ValueError(f"a prediction is one of {', '.join(PREDICTIONS)}; got {prediction!r}.")


def output_for(
    schedule: NoiseSchedule, noised: Tensor, clean: Tensor, sigma: Sigma, prediction: Prediction
) -> Tensor:
    """The inverse of `denoised`: the network output that stands for these clean latents; sigma > 0.

    Raises:
        ValueError: An unknown prediction.
    """
    if prediction == "sample":
        return clean
    noise = noise_between(schedule, noised, clean, sigma)
    if prediction == "epsilon":
        return noise
    if prediction == "flow":
        return noise - clean
    if prediction == "v":
        level = sigma_like(sigma, noised)
        a, b = schedule.signal(level), schedule.spread(level)
        norm = (a**2 + b**2).sqrt()
        return (a / norm) * noise - (b / norm) * clean
    raise ValueError(f"a prediction is one of {', '.join(PREDICTIONS)}; got {prediction!r}.")


def euler_step(
    schedule: NoiseSchedule, noised: Tensor, clean: Tensor, sigma: Sigma, next_sigma: Sigma
) -> Tensor:
    """One deterministic step: the noise that x and the denoised latents imply, at the next level.

    Args:
        schedule: The noise schedule of `noised`.
        noised: x at `sigma` > 0, any shape.
        clean: The denoised latents predicted from x, same shape.
        sigma, next_sigma: The noise levels before and after the step.

    Returns:
        a(s') z + b(s') e with e = (x - a z) / b. In FlowSchedule and VarianceExploding that is
        Euler's step x + (x - z) / s (s' - s); in VariancePreserving it is DDIM's.
    """
    noise = noise_between(schedule, noised, clean, sigma)
    return add_noise(schedule, clean, noise, next_sigma)


def shifted_sigma(progress: float, shift: float) -> float:
    """Sigma of a flow schedule after a share of its steps, as SD3's timestep shift spaces them.

    Args:
        progress: 0 at pure noise, 1 at the end.
        shift: The timestep shift; 1 spaces sigma evenly. sigma = shift t / (1 + (shift - 1) t) with
            t = 1 - progress (Esser et al., 2024, eq. 23).

    Raises:
        ValueError: A value out of range.
    """
    if not 0.0 <= progress <= 1.0 or not shift > 0.0:
        raise ValueError(
            f"progress must be 0..1 and the shift above 0; got progress {progress}, shift {shift}."
        )
    t = 1.0 - progress
    return shift * t / (1.0 + (shift - 1.0) * t)


def shifted_progress(sigma: float, shift: float) -> float:
    """The inverse of shifted_sigma: the share of a flow schedule's steps that are done at sigma.

    Raises:
        ValueError: A value out of range.
    """
    if not 0.0 <= sigma <= 1.0 or not shift > 0.0:
        raise ValueError(
            f"a flow sigma must be 0..1 and the shift above 0; got sigma {sigma}, shift {shift}."
        )
    return 1.0 - sigma / (shift - (shift - 1.0) * sigma)
