"""What each patch costs beside the network: a Wan that computes nothing, at full size, in a host.

A MODEL whose network only scales its input runs at the size of a real clip, with and without a
patch. The difference is the patch's own arithmetic, its share of the host's work included. What it
asks of the network, more predictions or copied blocks, is counted and not timed.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .follow_checks import clock_of, schedule_of
from .follow_runs import WAN_LATENTS, WAN_TOKENS, WAN_WEIGHTS
from .native_checks import motion_noise_of, pack, plain_guider, run_guided
from .refine_checks import refining
from .tiny_models import TinyModel, tiny_model
from .transfer_checks import guided

STEPS = 4


class Idle:
    """A network that scales its input, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.held = 0
        self.shared = 0

    def __call__(self, x: Tensor, *args: Any, **more: Any) -> Tensor:
        self.calls += 1
        options = more.get("transformer_options") or next(
            one for one in args if isinstance(one, dict)
        )
        states = [one for key, one in options.items() if str(key).startswith("motion_prompting")]
        found = tensors_in(states)
        found.pop(self.shared, None)
        self.held = max(self.held, sum(one.numel() for one in found.values()))
        return x * 0.1


class HostNoise:
    """White noise of a run, which the host holds for all of it, whatever a patch does."""

    seed = 5

    def __init__(self, idle: Idle) -> None:
        self.idle = idle

    def generate_noise(self, latent: dict[str, Any]) -> Tensor:
        """The noise; the network leaves it out of what a patch holds."""
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(latent["samples"].shape, generator=generator)
        self.idle.shared = noise.untyped_storage().data_ptr()
        return noise


def tensors_in(value: Any) -> dict[int, Tensor]:
    """Every tensor in a value by where it lies: fields, lists and entries, not what views share."""
    if isinstance(value, Tensor):
        return {value.untyped_storage().data_ptr(): value}
    parts: list[Any] = []
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, one.name) for one in dataclasses.fields(value)]
    elif isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, (list, tuple)):
        parts = list(value)
    return {key: one for part in parts for key, one in tensors_in(part).items()}


def idle_wan() -> tuple[TinyModel, Idle]:
    """The MODEL at the size of 81 frames of 832x480, and its network."""
    model, idle = tiny_model("wan21_t2v"), Idle()
    model.patcher.model.diffusion_model.forward = idle
    return TinyModel(model.patcher, WAN_LATENTS, model.positive, model.negative), idle


def costs(runs: int = 2) -> dict[str, Any]:
    """{"patches": {patch: seconds, calls of the network, latents held per step}, "pass_s": seconds
    of the matrix products of one pass of Wan 2.1 1.3B}."""
    model, idle = idle_wan()
    sigmas = schedule_of(model, STEPS)
    mask = torch.zeros(1, 1, *WAN_LATENTS[2:])
    clock, _, _ = clock_of(model, float(sigmas[0]), float(sigmas[3]), mask)
    tracked = [[model.positive[0][0], {}]]
    scales = (2.0, 2.5)
    motion_guider = pack("nodes.host_model_guidance").motion_guider
    noise = motion_noise_of((832, 480), 81)
    guiders: dict[str, Callable[[], Any]] = {
        "plain": lambda: plain_guider(model, model.patcher),
        "Follow Motion": lambda: plain_guider(
            model, pack("nodes.host_model").followed(model.patcher, clock, form="wrap")
        ),
        "Motion Guidance": lambda: motion_guider(
            *(model.patcher, tracked, model.negative, model.positive, scales)
        ),
        "Motion Transfer Guidance": lambda: plain_guider(model, guided(model, end=1.0)),
        "Refine Along Reference": lambda: plain_guider(model, refining(model, end=1.0)),
    }
    found: dict[str, Any] = {}
    for name, guider in guiders.items():
        found[name] = _timed(model, guider(), idle, runs, HostNoise(idle))
    found["Motion Noise"] = _timed(model, guiders["plain"](), idle, runs, noise)
    square = torch.randn(1024, 1024)
    product = min(_seconds(lambda: square @ square) for _ in range(5))
    pass_s = 2 * WAN_WEIGHTS * WAN_TOKENS * product / (2 * 1024**3)
    return {"patches": found, "pass_s": pass_s}


def _timed(model: TinyModel, guider: Any, idle: Idle, runs: int, noise: Any) -> dict[str, float]:
    """The least processor time of some runs per step, and what a step asks and holds."""
    best = float("inf")
    for _ in range(runs):
        idle.calls = idle.held = 0
        best = min(best, _seconds(lambda: run_guided(model, guider, noise=noise, steps=STEPS)))
    latents = idle.held / torch.Size(WAN_LATENTS).numel()
    return {"seconds": best / STEPS, "calls": idle.calls / STEPS, "held": latents}


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
