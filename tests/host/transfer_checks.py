"""Checks of motion transfer on the host's own MODEL; they run inside a host, see worker.py."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor

from .native_checks import largest, pack, plain_guider, run_guided
from .tiny_models import TinyModel, tiny_model


class FakeVae:
    """Gives latents that were made before."""

    def __init__(self, latents: Tensor) -> None:
        self.latents = latents

    def encode(self, pictures: Tensor) -> Tensor:
        """The latents, whatever the pictures."""
        return self.latents


def guided(model: TinyModel, **changes: Any) -> Any:
    """The MODEL that repeats random latents, through the node."""
    node = pack("nodes.motion_transfer_guidance").MotionTransferGuidance
    latents = changes.pop("latents", None)
    values = {"iterations": 3, "rate": 0.02, "keep": 0.1, "start": 0.0, "end": 0.6, "seed": 1}
    vae = FakeVae(model.latents(9) if latents is None else latents)
    picture = torch.zeros(1, 8, 8, 3)
    return node.execute(model.patcher, vae, picture, **{**values, **changes}).args[0]


def transfer_equals_reference(name: str) -> dict[str, Any]:
    """Four steps of the host's Euler sampler against the reference with the same predictions."""
    import comfy.samplers

    model = tiny_model(name)
    reference = pack("motion_core.guidance.motion_transfer.reference")
    settings = pack("motion_core.guidance.motion_transfer").TransferSettings(rate=0.02)
    patched, wanted = guided(model), {}

    class Reference(comfy.samplers.Sampler):
        """The reference as a sampler of the host."""

        def sample(
            self,
            guider: Any,
            sigmas: Tensor,
            extra: Any,
            _: Any,
            noise: Tensor,
            latent: Any = None,
            *rest: Any,
        ) -> Tensor:
            inner = guider.inner_model
            sampling = inner.model_sampling
            options = extra["model_options"]
            start = sampling.noise_scaling(sigmas[0], noise, latent, False)

            class Schedule:
                def signal(self, sigma: Tensor) -> Tensor:
                    return sampling.noise_scaling(sigma.reshape(1), torch.zeros(1), torch.ones(1))[
                        0
                    ]

                def spread(self, sigma: Tensor) -> Tensor:
                    return sampling.noise_scaling(sigma.reshape(1), torch.ones(1), torch.zeros(1))[
                        0
                    ]

            def estimate(x: Tensor, sigma: float) -> Tensor:
                level = torch.full((len(x),), sigma)
                return guider.predict_noise(x, level, options, 0)

            def source_estimate(x: Tensor, sigma: float) -> Tensor:
                level = torch.full((len(x),), sigma)
                conds = [guider.conds["negative"]]
                return comfy.samplers.calc_cond_batch(inner, conds, x, level, options)[0]

            clean = inner.latent_format.process_in(model.latents(9))
            fixed = torch.randn(model.shape, generator=torch.Generator().manual_seed(1))
            least = float(sampling.percent_to_sigma(0.6))
            levels = [float(one) for one in sigmas]
            count = sum(one > least for one in levels[:-1])
            wanted["steps"] = count
            made = reference.transfer_reference(
                estimate,
                source_estimate,
                Schedule(),
                start,
                (clean, fixed),
                levels,
                count,
                settings,
            )
            return sampling.inverse_noise_scaling(sigmas[-1], made)

    by_reference = run_with(model, plain_guider(model, model.patcher), Reference())
    result = run_guided(model, plain_guider(model, patched))
    plain = run_guided(model, plain_guider(model, model.patcher))
    return {
        "difference": largest(result, by_reference) / float(by_reference.abs().max()),
        "effect": largest(result, plain),
        "guided_steps": wanted["steps"],
    }


def run_with(model: TinyModel, guider: Any, sampler: Any) -> Tensor:
    """The video of SamplerCustomAdvanced with a sampler of our own."""
    import comfy.samplers

    original = comfy.samplers.sampler_object
    comfy.samplers.sampler_object = lambda _: sampler
    try:
        return run_guided(model, guider)
    finally:
        comfy.samplers.sampler_object = original


def transfer_runs(name: str) -> dict[str, Any]:
    """Every sampler runs; clones do not leak; an interrupted run leaves nothing."""
    model = tiny_model(name)
    plain = plain_guider(model, model.patcher)
    before = run_guided(model, plain)
    patched = plain_guider(model, guided(model))
    result = run_guided(model, patched)
    network, calls = model.patcher.model.diffusion_model, []

    def stop(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise InterruptedError

    handle = network.register_forward_pre_hook(stop)
    with contextlib.suppress(InterruptedError):
        run_guided(model, patched)
    handle.remove()
    off = guided(model, iterations=0, keep=1.0)
    return {
        "effect": largest(result, before),
        "again": bool(torch.equal(result, run_guided(model, patched))),
        "clean": bool(torch.equal(before, run_guided(model, plain))),
        "stopped": len(calls) == 3,
        "off": largest(run_guided(model, plain_guider(model, off)), before),
        "range": float(before.abs().max()),
        "samplers": [
            bool(torch.isfinite(run_guided(model, patched, sampler=one, steps=8)).all())
            for one in ("uni_pc", "dpmpp_2m", "lcm")
        ],
    }


def transfer_refusals() -> dict[str, str]:
    """What a clip of another length, and a window that ends before it begins, are answered."""
    model, answers = tiny_model("wan21_t2v"), {}
    cases = {
        "length": lambda: run_guided(
            model, plain_guider(model, guided(model, latents=model.latents(9)[:, :, :2]))
        ),
        "channels": lambda: run_guided(
            model, plain_guider(model, guided(model, latents=model.latents(9)[:, :4]))
        ),
        "window": lambda: guided(model, start=0.5, end=0.1),
    }
    for key, case in cases.items():
        try:
            case()
            answers[key] = "accepted"
        except ValueError as error:
            answers[key] = str(error)
    return answers
