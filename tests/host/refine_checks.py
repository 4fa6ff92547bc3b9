"""Checks of re-noise refinement on the host's own MODEL; they run inside a host, see worker.py."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .native_checks import largest, pack, plain_guider, run_guided
from .tiny_models import TinyModel, tiny_model
from .tiny_vaes import tiny_vae
from .transfer_checks import HostSchedule, reference_sampler, run_with


class ToyVae:
    """A linear autoencoder of a tiny model: pictures of twice the latents' size."""

    def __init__(self, model: TinyModel) -> None:
        self.is_stack = len(model.shape) == 4
        channels = model.shape[1]
        generator = torch.Generator().manual_seed(17)
        self.mix = torch.randn(channels, 3, generator=generator) / 3
        self.calls = 0

    def decode(self, latents: Tensor) -> Tensor:
        """(T, H, W, 3), or with a batch axis for clips, as the host's VAEs give it."""
        self.calls += 1
        clip = latents if self.is_stack else latents[0].transpose(0, 1)
        mixed = torch.einsum("cd,tchw->tdhw", self.mix, clip).sigmoid()
        pixels = functional.interpolate(mixed, scale_factor=2.0).permute(0, 2, 3, 1)
        return pixels if self.is_stack else pixels[None]

    def encode(self, pixels: Tensor) -> Tensor:
        """Latents as the model has them."""
        clip = functional.avg_pool2d(pixels.permute(0, 3, 1, 2), 2)
        latents = torch.einsum("cd,tdhw->tchw", self.mix, clip)
        return latents if self.is_stack else latents.transpose(0, 1)[None]


def render_for(model: TinyModel, *, of_host: bool = False) -> tuple[Tensor, Tensor]:
    """Random frames of a render for the ToyVae or for the host's own, and its holes."""
    frames = model.shape[0] if len(model.shape) == 4 else model.shape[2]
    stride = 2
    if of_host:
        form = pack("nodes.host_latents").video_format(model.patcher)
        frames, stride = sum(form.groups(frames)), form.space_stride
    size = (frames, stride * model.shape[-2], stride * model.shape[-1])
    generator = torch.Generator().manual_seed(23)
    holes = torch.zeros(size)
    holes[:, :, : size[2] // 3] = 1.0
    return torch.rand(*size, 3, generator=generator), holes


def refining(model: TinyModel, vae: Any = None, **changes: Any) -> Any:
    """The MODEL that refines along a random render, through the node."""
    images, holes = render_for(model, of_host=not isinstance(vae, ToyVae | None))
    values = {
        "resamples": 2,
        "correction": 1.8,
        "gate_channels": False,
        "edge": 3.0,
        "start": 0.0,
        "end": 0.6,
        "seed": 4,
        "images": images,
        "holes": holes,
    }
    node = pack("nodes.refine_along_reference").RefineAlongReference
    chosen = ToyVae(model) if vae is None else vae
    return node.execute(model.patcher, chosen, **{**values, **changes}).args[0]


def refine_equals_reference(name: str, of_host: bool = False) -> dict[str, Any]:
    """Four steps of the host's Euler sampler against the reference with the same predictions, with
    a ToyVae or the host's own VAE."""
    model = tiny_model(name)
    module = pack("motion_core.guidance.refine")
    images, holes = render_for(model, of_host=of_host)
    render = module.Render(images, module.soft_edges(holes < 0.5, 3.0))
    vae = tiny_vae(name) if of_host else ToyVae(model)
    generator = torch.Generator().manual_seed(4)
    counts: list[int] = []

    def reference(guider: Any, predict: Any, start: Tensor, levels: list[float]) -> Tensor:
        latents, sampling = guider.inner_model.latent_format, guider.inner_model.model_sampling
        least = float(sampling.percent_to_sigma(0.6))
        counts.append(sum(one > least for one in levels[:-1]))

        def decode(z: Tensor) -> Tensor:
            pixels = vae.decode(latents.process_out(z))
            return pixels.reshape(-1, *pixels.shape[-3:])

        return pack("motion_core.guidance.refine.reference").refine_reference(
            predict,
            (decode, lambda pixels: latents.process_in(vae.encode(pixels))),
            HostSchedule(sampling),
            start,
            render,
            levels,
            counts[0],
            lambda: torch.randn(start.shape, generator=generator),
            module.RefineSettings(2, 1.8),
        )

    plain = plain_guider(model, model.patcher)
    wanted = run_with(model, plain, reference_sampler(reference))
    found = run_guided(model, plain_guider(model, refining(model, vae)))
    return {
        "difference": largest(found, wanted) / float(wanted.abs().max()),
        "effect": largest(found, run_guided(model, plain)),
        "guided_steps": counts[0],
    }


def vae_moves_along(name: str) -> dict[str, Any]:
    """Refinement with the host's own VAE: what it decodes has the render's size, all that the
    latents become comes from it, and the model is loaded again after it."""
    import comfy.model_management

    model, vae = tiny_model(name), tiny_vae(name)
    images, _ = render_for(model, of_host=True)
    shapes: list[list[int]] = []
    loaded: list[bool] = []
    decode = vae.decode

    def watched(latents: Tensor) -> Tensor:
        pixels = decode(latents)
        shapes.append(list(pixels.reshape(-1, *pixels.shape[-3:]).shape))
        return pixels

    def is_loaded(*_: Any) -> None:
        now = comfy.model_management.loaded_models(only_currently_used=True)
        loaded.append(any(one.model is model.patcher.model for one in now))

    vae.decode = watched
    patched = plain_guider(model, refining(model, vae, gate_channels=True))
    handle = model.patcher.model.diffusion_model.register_forward_pre_hook(is_loaded)
    result = run_guided(model, patched)
    handle.remove()
    plain = run_guided(model, plain_guider(model, model.patcher))
    return {
        "shapes": [one for index, one in enumerate(shapes) if one not in shapes[:index]],
        "render": list(images.shape),
        "decodings": len(shapes),
        "loaded": all(loaded),
        "finite": bool(torch.isfinite(result).all()),
        "effect": largest(result, plain) / float(plain.abs().max()),
        "again": bool(torch.equal(result, run_guided(model, patched))),
    }


def refine_runs(name: str) -> dict[str, Any]:
    """Every sampler runs; no resamples change nothing; clones and interrupts leave nothing."""
    model, calls = tiny_model(name), []
    plain = plain_guider(model, model.patcher)
    before = run_guided(model, plain)
    patched = plain_guider(model, refining(model, gate_channels=True))
    result = run_guided(model, patched)

    def stop(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise InterruptedError

    handle = model.patcher.model.diffusion_model.register_forward_pre_hook(stop)
    with contextlib.suppress(InterruptedError):
        run_guided(model, patched)
    handle.remove()
    off = plain_guider(model, refining(model, resamples=0))
    return {
        "effect": largest(result, before),
        "again": bool(torch.equal(result, run_guided(model, patched))),
        "clean": bool(torch.equal(before, run_guided(model, plain))),
        "stopped": len(calls) == 3,
        "off": bool(torch.equal(before, run_guided(model, off))),
        "samplers": [
            bool(torch.isfinite(run_guided(model, patched, sampler=one, steps=8)).all())
            for one in ("uni_pc", "dpmpp_2m", "lcm")
        ],
    }


def refine_refusals() -> dict[str, str]:
    """What renders of another size, holes of another clip and a window are answered."""
    model, answers = tiny_model("wan21_t2v"), {}
    images, holes = render_for(model)
    cases = {
        "size": lambda: run_guided(
            model,
            plain_guider(model, refining(model, images=images[:, :-2], holes=holes[:, :-2])),
        ),
        "holes": lambda: refining(model, holes=holes[:2]),
        "one mask for all frames": lambda: refining(model, holes=holes[:1]),
        "window": lambda: refining(model, start=0.5, end=0.1),
    }
    for key, case in cases.items():
        try:
            case()
            answers[key] = "accepted"
        except ValueError as error:
            answers[key] = str(error)
    return answers
