"""Noise levels of Stable Video Diffusion as MotionPro samples it."""

from __future__ import annotations

from typing import Any

SIGMA_MIN, SIGMA_MAX = 0.002, 700.0


def edm_scheduler() -> Any:
    """Euler steps over EDM noise levels (Karras et al. 2022, Eq. 5, rho 7) for v-predictions.

    The model's timestep is ln(sigma) / 4 and its input x / sqrt(sigma^2 + 1). Its output v means
    the clean latents x / (sigma^2 + 1) - v sigma / sqrt(sigma^2 + 1). At sigma 700 nothing of them
    is left.
    """
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        prediction_type="v_prediction",
        timestep_type="continuous",
        timestep_spacing="leading",
        use_karras_sigmas=True,
        sigma_min=SIGMA_MIN,
        sigma_max=SIGMA_MAX,
    )
