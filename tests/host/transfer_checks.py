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

    def decode(self, latents: Tensor) -> Tensor:
        """Not for use: a VAE has it."""
        raise AssertionError("nothing is decoded")


def guided(model: TinyModel, **changes: Any) -> Any:
    """The MODEL that repeats random latents, through the node."""
    node = pack("nodes.motion_transfer_guidance").MotionTransferGuidance
    latents = changes.pop("latents", None)
    values = {"iterations": 3, "rate": 0.02, "keep": 0.1, "start": 0.0, "end": 0.6, "seed": 1}
    vae = FakeVae(model.latents(9) if latents is None else latents)
    picture = torch.zeros(1, 8, 8, 3)
    return node.execute(model.patcher, vae, picture, **{**values, **changes}).args[0]


class HostSchedule:
    """The noise schedule of a host's model_sampling."""

    def __init__(self, sampling: Any) -> None:
        self.sampling = sampling

    def signal(self, sigma: Tensor) -> Tensor:
        """The factor of the clean latents."""
        return self.sampling.noise_scaling(sigma.reshape(1), torch.zeros(1), torch.ones(1))[0]

    def spread(self, sigma: Tensor) -> Tensor:
        """The factor of the noise."""
        return self.sampling.noise_scaling(sigma.reshape(1), torch.ones(1), torch.zeros(1))[0]


def reference_sampler(run: Any) -> Any:
    """A sampler of the host around a reference: run(guider, predict, start, sigmas)."""
    import comfy.samplers

    class Reference(comfy.samplers.Sampler):
        """Predicts through the host's guider and does the rest by the reference."""

        def sample(
            self,
            guider: Any,
            sigmas: Tensor,
            extra: Any,
            callback: Any,
            noise: Tensor,
            latent: Any = None,
            *rest: Any,
        ) -> Tensor:
            """The samples; the arguments are the host's."""
            sampling = guider.inner_model.model_sampling
            start = sampling.noise_scaling(sigmas[0], noise, latent, False)

            def predict(x: Tensor, sigma: float) -> Tensor:
                level = torch.full((len(x),), sigma)
                return guider.predict_noise(x, level, extra["model_options"], 0)

            made = run(guider, predict, start, [float(one) for one in sigmas])
            return sampling.inverse_noise_scaling(sigmas[-1], made)

    return Reference()


def run_with(model: TinyModel, guider: Any, sampler: Any) -> Tensor:
    """The video of SamplerCustomAdvanced with a sampler of our own."""
    import comfy.samplers

    original = comfy.samplers.sampler_object
    comfy.samplers.sampler_object = lambda _: sampler
    try:
        return run_guided(model, guider)
    finally:
        comfy.samplers.sampler_object = original


def transfer_equals_reference(name: str) -> dict[str, Any]:
    """Four steps of the host's Euler sampler against the reference with the same predictions."""
    import comfy.samplers

    model = tiny_model(name)
    module = pack("motion_core.guidance.motion_transfer.reference")
    settings = pack("motion_core.guidance.motion_transfer").TransferSettings(rate=0.02)
    counts: list[int] = []

    def reference(guider: Any, predict: Any, start: Tensor, levels: list[float]) -> Tensor:
        inner = guider.inner_model
        least = float(inner.model_sampling.percent_to_sigma(0.6))
        counts.append(sum(one > least for one in levels[:-1]))
        options = guider.model_options

        def source_estimate(x: Tensor, sigma: float) -> Tensor:
            level = torch.full((len(x),), sigma)
            conds = [guider.conds["negative"]]
            return comfy.samplers.calc_cond_batch(inner, conds, x, level, options)[0]

        clean = inner.latent_format.process_in(model.latents(9))
        fixed = torch.randn(model.shape, generator=torch.Generator().manual_seed(1))
        schedule = HostSchedule(inner.model_sampling)
        both = (clean, fixed)
        return module.transfer_reference(
            predict, source_estimate, schedule, start, both, levels, counts[0], settings
        )

    plain = plain_guider(model, model.patcher)
    wanted = run_with(model, plain, reference_sampler(reference))
    found = run_guided(model, plain_guider(model, guided(model)))
    return {
        "difference": largest(found, wanted) / float(wanted.abs().max()),
        "effect": largest(found, run_guided(model, plain)),
        "guided_steps": counts[0],
    }


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
