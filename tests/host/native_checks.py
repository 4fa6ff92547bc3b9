"""Checks of guidance on the host's own MODEL; they run inside a host, see worker.py."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .model_checks import video_of
from .tiny_models import TinyModel, _fill, tiny_model
from .tiny_vaes import tiny_vae

PACK = "motion_prompting_pack"
FRAMES, SIDE = 9, (48, 32)


def pack(name: str) -> Any:
    """A module of the pack as the host loaded it."""
    import importlib

    return importlib.import_module(f"{PACK}.{name}")


def run_guided(
    model: TinyModel, guider: Any, *, noise: Any = None, steps: int = 4, sampler: str = "euler"
) -> Tensor:
    """The video of the host's own SamplerCustomAdvanced."""
    import comfy.samplers
    from comfy_extras import nodes_custom_sampler as custom

    sigmas = comfy.samplers.calculate_sigmas(
        guider.model_patcher.get_model_object("model_sampling"), "simple", steps
    )
    latent = {"samples": model.latent_input(torch.zeros(model.shape))}
    source = custom.Noise_RandomNoise(5) if noise is None else noise
    out = custom.SamplerCustomAdvanced.execute(
        source, guider, comfy.samplers.sampler_object(sampler), sigmas, latent
    )
    return video_of(out[0]["samples"])


def plain_guider(model: TinyModel, patcher: Any, cfg: float = 2.0) -> Any:
    """The host's own CFGGuider."""
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(patcher)
    guider.set_conds(model.positive, model.negative)
    guider.set_cfg(cfg)
    return guider


def with_image(conditioning: list[Any], seed: int) -> list[Any]:
    """A conditioning whose image latents are others, as a node that copies along tracks makes."""
    ((text, values),) = conditioning
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(values["concat_latent_image"].shape, generator=generator)
    return [[text, {**values, "concat_latent_image": latent}]]


def largest(one: Tensor, other: Tensor) -> float:
    """The largest difference."""
    return float((one - other).abs().max())


def tracks_on(size: tuple[int, int] = SIDE, frames: int = FRAMES) -> Any:
    """Five tracks that move to the right, as a TRACKS value."""
    start = torch.tensor([[4.0 + 7 * n, 4.0 + 5 * n] for n in range(5)])
    shift = torch.stack([torch.arange(frames) * 1.3, torch.zeros(frames)], -1)
    make_tracks = pack("motion_core.tracks").make_tracks
    size_type = pack("motion_core.geometry").Size
    tracks = make_tracks(start[None] + shift[:, None], size_type(*size))
    return pack("motion_core.formats.host").to_host(tracks)


# ---- Motion guidance ---------------------------------------------------------------------------


def motion_guidance() -> dict[str, Any]:
    """The guider against the formula evaluated with the host's own predictions, by Euler."""
    import comfy.samplers

    model = tiny_model("wan21_i2v")
    guidance = pack("nodes.host_model_guidance")
    tracked, negative = with_image(model.positive, 7), with_image(model.negative, 7)

    def guided(text: float, motion: float, sampler: str = "euler") -> Tensor:
        guider = guidance.motion_guider(
            model.patcher, tracked, negative, model.positive, (text, motion)
        )
        return run_guided(model, guider, sampler=sampler)

    class Reference(comfy.samplers.CFGGuider):
        def predict_noise(
            self, x: Tensor, timestep: Tensor, model_options: Any = None, seed: Any = None
        ) -> Tensor:
            predictions = comfy.samplers.calc_cond_batch(
                self.inner_model,
                [self.conds["positive"], self.conds["negative"], self.conds["middle"]],
                x,
                timestep,
                model_options,
            )
            full, no_text, no_motion = predictions
            return full + (self.cfg - 1) * (full - no_text) + 1.5 * (full - no_motion)

    reference = Reference(model.patcher)
    reference.inner_set_conds({"positive": tracked, "negative": negative, "middle": model.positive})
    reference.set_cfg(3.0)
    host = comfy.samplers.CFGGuider(model.patcher)
    host.set_conds(tracked, negative)
    host.set_cfg(3.0)
    off, wanted = guided(3.0, 1.0), run_guided(model, reference)
    return {
        "formula": largest(guided(3.0, 2.5), wanted) / float(wanted.abs().max()),
        "off_is_host": bool(torch.equal(off, run_guided(model, host))),
        "effect": largest(guided(3.0, 2.5), off),
        "without_text": largest(guided(1.0, 2.5), guided(3.0, 2.5)),
        "samplers": [
            bool(torch.isfinite(guided(3.0, 2.5, name)).all())
            for name in ("uni_pc", "dpmpp_2m", "lcm")
        ],
    }


# ---- Motion Noise ------------------------------------------------------------------------------


def motion_noise_of(size: tuple[int, int], frames: int, degradation: float = 0.3) -> Any:
    """The NOISE of the node for tracks that move to the right."""
    motion = {
        "motion": "tracks",
        "image": torch.rand(1, size[1], size[0], 3, generator=torch.Generator().manual_seed(2)),
        "tracks": tracks_on(size, frames),
        "method": "moving_least_squares",
    }
    node = pack("nodes.motion_noise").MotionNoise
    return node.execute(motion=motion, seed=5, degradation=degradation, detail=4).args[0]


def motion_noise(name: str) -> dict[str, Any]:
    """A tiny model samples from noise that moves; gamma 1 is the host's Random Noise."""
    model = tiny_model(name)
    stride = {"ltxv": 8, "ltxav": 8, "mochi": 6, "svd": 1, "sd15": 1}.get(name, 4)
    is_stack = len(model.shape) == 4
    frames = (model.shape[0] if is_stack else model.shape[2]) - 1
    size = (model.shape[-1] * 8, model.shape[-2] * 8)

    def made(degradation: float) -> Any:
        return motion_noise_of(size, frames * stride + 1, degradation)

    guider = plain_guider(model, model.patcher)
    moved = run_guided(model, guider, noise=made(0.3))
    return {
        "finite": bool(torch.isfinite(moved).all()),
        "effect": largest(moved, run_guided(model, guider)),
        "white": bool(
            torch.equal(run_guided(model, guider, noise=made(1.0)), run_guided(model, guider))
        ),
    }


# ---- Motion Guidance of a control on the model's blocks -----------------------------------------


def uni3c_patch() -> Any:
    """A MODEL_PATCH of the host's own Uni3C ControlNet, tiny and with random weights."""
    import comfy.ldm.wan.uni3c
    import comfy.model_management
    import comfy.model_patcher
    import comfy.ops

    network = comfy.ldm.wan.uni3c.WanUni3CControlnet(
        conv_out_dim=48,
        dim=48,
        ffn_dim=64,
        num_heads=2,
        num_layers=1,
        time_embed_dim=48,
        out_proj_dim=48,
        operations=comfy.ops.manual_cast,
    )
    _fill(network, 6)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(network, device, device)


def uni3c_guidance() -> dict[str, Any]:
    """Motion guidance of Uni3C: without text guidance, a scale of 0 is the model without Uni3C."""
    from comfy_extras.nodes_model_patch import WanUni3CControlnetApply

    model = tiny_model("wan21_i2v")
    vae, size = tiny_vae("wan21_i2v"), (9, 8 * model.shape[-2], 8 * model.shape[-1], 3)
    render = torch.rand(size, generator=torch.Generator().manual_seed(6))
    apply = WanUni3CControlnetApply().apply_patch
    (on,) = apply(model.patcher, uni3c_patch(), vae, render, 1.0, 0.0, 1.0)
    node = pack("nodes.motion_guidance_host").MotionGuidance

    def guided(text: float, motion: float, other: Any = model.patcher) -> Tensor:
        conditioning = (model.positive, model.negative)
        made = node.execute(on, *conditioning, text, motion, untracked_model=other).args[0]
        return run_guided(model, made)

    lora = model.patcher.clone()
    name, weight = next(iter(lora.model.diffusion_model.named_parameters()))
    lora.add_patches({f"diffusion_model.{name}": (torch.ones_like(weight),)}, 1.0)
    refused = []
    for other in (lora, tiny_model("wan21_t2v").patcher):
        try:
            guided(2.0, 2.0, other)
            refused.append("accepted")
        except ValueError as error:
            refused.append(str(error))
    bare = run_guided(model, plain_guider(model, model.patcher, 1.0))
    full = run_guided(model, plain_guider(model, on, 1.0))
    return {
        "scale_0": largest(guided(1.0, 0.0), bare) / float(bare.abs().max()),
        "scale_1": largest(guided(1.0, 1.0), full),
        "control": largest(full, bare),
        "effect": largest(guided(2.0, 2.0), run_guided(model, plain_guider(model, on))),
        "refused": refused,
    }
