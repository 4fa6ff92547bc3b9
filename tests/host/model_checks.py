"""Checks that run inside a host on the tiny models; see worker.py and tiny_models.py."""

from __future__ import annotations

from typing import Any

import torch

from .tiny_models import RECIPES, TinyModel, tiny_model


def names() -> list[str]:
    """Every tiny model."""
    return list(RECIPES)


def sampled(
    model: TinyModel,
    patcher: Any,
    samples: Any,
    *,
    sampler: str = "euler",
    steps: int = 4,
    seed: int = 5,
    cfg: float = 2.0,
    start: int | None = None,
    last: int | None = None,
    add_noise: bool = True,
    **beside: Any,
) -> Any:
    """The samples of the host's own KSampler node on a MODEL; nested where there is audio.

    start, last and add_noise are those of its advanced node; what is beside them goes into the
    LATENT.
    """
    import nodes

    latent = {"samples": model.latent_input(samples), **beside}
    (out,) = nodes.common_ksampler(
        *(patcher, seed, steps, cfg, sampler, "simple", model.positive, model.negative, latent),
        disable_noise=not add_noise,
        start_step=start,
        last_step=last,
    )
    return out["samples"]


def video_of(samples: Any) -> torch.Tensor:
    """The video of samples that may be nested."""
    return samples.unbind()[0] if samples.is_nested else samples


def runs(name: str, sampler: str = "euler", steps: int = 4) -> dict[str, Any]:
    """A plain run of a tiny model through the host's KSampler."""
    model = tiny_model(name)
    out = video_of(
        sampled(model, model.patcher, torch.zeros(model.shape), sampler=sampler, steps=steps)
    )
    other = video_of(sampled(model, model.patcher, torch.zeros(model.shape), seed=6, steps=steps))
    return {
        "class": type(model.patcher.model).__name__,
        "shape": list(out.shape),
        "finite": bool(torch.isfinite(out).all()),
        "spread": float(out.std()),
        "seeds_differ": float((out - other).abs().max()),
    }
