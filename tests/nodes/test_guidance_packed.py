"""Refine and Motion Transfer on latents that pack video and sound: the hooks against the runs that
define them. The video is refined or guided; the sound is the model's own, step by step."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.guidance.motion_transfer import TransferSettings
from motion_core.guidance.motion_transfer.reference import transfer_reference
from motion_core.guidance.noise_schedule import NoiseSchedule, Prediction
from motion_core.guidance.refine import RefineSettings
from motion_core.guidance.refine.reference import refine_reference
from tests.guidance.test_dual_clock import KINDS, TOLERANCE, network, sigmas_of
from tests.guidance.test_refine import Autoencoder, render_for
from tests.host.pack import MODULE_NAME, pack_module

VIDEO, SOUND = (1, 3, 4, 5, 6), 37
SIZE = math.prod(VIDEO)
GUIDED, SEED = 4, 6
# Schedules that the host's models have: flow and variance-exploding.
HOST_KINDS = KINDS[:3]

Denoiser = Callable[[Tensor, float], Tensor]


def packed(video: Tensor, sound: Tensor) -> Tensor:
    """As ComfyUI packs latents: (B, 1, N)."""
    return torch.cat([video.reshape(1, 1, -1), sound], -1)


def on_packed(kind: tuple[NoiseSchedule, Prediction]) -> Denoiser:
    """A network that mixes all values of packed latents."""
    denoiser = network(*kind)
    return lambda x, sigma: denoiser(x[..., None], sigma)[..., 0]


class WithSound:
    """The video's part of a denoiser on packed latents. The sound takes a step of its own whenever
    the level falls, along the last estimate that a step made of it."""

    def __init__(self, denoiser: Denoiser, sound: Tensor) -> None:
        self.denoiser, self.sound = denoiser, sound
        self.sigma, self.clean = math.inf, sound

    def at(self, sigma: float) -> None:
        if sigma < self.sigma < math.inf:
            step = (sigma - self.sigma) * (self.sound - self.clean) / self.sigma
            self.sound = self.sound + step
        self.sigma = sigma

    def source_estimate(self, video: Tensor, sigma: float) -> Tensor:
        found = self.denoiser(packed(video, self.sound), sigma)
        return found[..., :SIZE].view(VIDEO)

    def estimate(self, video: Tensor, sigma: float) -> Tensor:
        self.at(sigma)
        found = self.denoiser(packed(video, self.sound), sigma)
        self.clean = found[..., SIZE:]
        return found[..., :SIZE].view(VIDEO)

    def result(self, video: Tensor) -> Tensor:
        self.at(0.0)
        return packed(video, self.sound)


def through_hooks(
    begin: Any, predict: Any, kind: tuple[NoiseSchedule, Prediction], start: Tensor
) -> Tensor:
    """A run by Euler's method whose predictions pass the hooks; the first GUIDED steps act."""
    schedule, denoiser = kind[0], on_packed(kind)
    sigmas = torch.tensor(sigmas_of(schedule), dtype=torch.float64)

    def noise_scaling(sigma: Tensor, noise: Tensor, clean: Tensor) -> Tensor:
        return schedule.signal(sigma) * clean + schedule.spread(sigma) * noise

    sampling = SimpleNamespace(
        noise_scaling=noise_scaling,
        percent_to_sigma=lambda part: math.inf if part == 0 else float(sigmas[GUIDED]),
    )
    model = SimpleNamespace(
        latent_shapes=[VIDEO, (1, 1, SOUND)],
        model_sampling=sampling,
        latent_format=SimpleNamespace(process_in=lambda x: x, process_out=lambda x: x),
        denoiser=denoiser,
    )
    guider = SimpleNamespace(inner_model=model, conds={"positive": "prompt"})

    def network_of(x: Tensor, timestep: Tensor, *_: object) -> Tensor:
        return denoiser(x, float(timestep.max()))

    executor: Any = network_of
    executor.class_obj = guider

    def sample(_: Any, levels: Tensor, extra_args: Any, __: Any, x: Tensor) -> Tensor:
        x = x.clone()
        for sigma, later in zip(levels, levels[1:], strict=False):
            clean = predict(executor, x, sigma[None], extra_args["model_options"], None)
            x = x + float(later - sigma) * (x - clean) / float(sigma)
        return x

    extra = {"model_options": {"transformer_options": {}}}
    return begin(sample, guider, sigmas, extra, None, start)


@pytest.fixture(autouse=True)
def host_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hooks import of ComfyUI."""

    def calc_cond_batch(model: Any, conds: Any, x: Tensor, timestep: Tensor, options: Any) -> Any:
        return (model.denoiser(x, float(timestep.max())),)

    names = {"comfy": {}, "comfy.samplers": {"calc_cond_batch": calc_cond_batch}}
    names["comfy.model_management"] = {
        "loaded_models": lambda **_: [],
        "load_models_gpu": lambda _: None,
    }
    for name, parts in names.items():
        module = ModuleType(name)
        vars(module).update(parts)
        monkeypatch.setitem(sys.modules, name, module)
        if "." in name:
            setattr(sys.modules["comfy"], name.partition(".")[2], module)


def start_of(kind: tuple[NoiseSchedule, Prediction], dtype: torch.dtype) -> Tensor:
    noise = torch.randn(1, 1, SIZE + SOUND, generator=torch.Generator().manual_seed(1))
    return noise.to(dtype) * sigmas_of(kind[0])[0]


def check(found: Tensor, wanted: Tensor, plain: Tensor, dtype: torch.dtype) -> None:
    scale = max(1.0, float(wanted.abs().max()))
    assert float((found - wanted).abs().max()) <= TOLERANCE[dtype] * scale
    assert (wanted - plain)[..., :SIZE].abs().max() > 1e-3, "guidance acts on the video"
    assert wanted[..., SIZE:].abs().max() > 1e-2, "the sound is sampled"


@pytest.mark.parametrize("kind", HOST_KINDS)
def test_refinement_equals_its_definition(kind: tuple[NoiseSchedule, Prediction]) -> None:
    pack_module("nodes.host")
    host = importlib.import_module(f"{MODULE_NAME}.nodes.host_model_refine")
    # The VAE runs in float32, whatever the latents are.
    dtype = torch.float32
    start, sigmas, coder = start_of(kind, dtype), sigmas_of(kind[0]), Autoencoder(VIDEO)
    render, settings = render_for(VIDEO, dtype), RefineSettings(2, 1.8)
    request = host.RefineRequest(coder, render, settings, gates_channels=False, seed=SEED)
    found = through_hooks(host._begin(request), host._refined_prediction(request), kind, start)

    def run(guided: int) -> Tensor:
        generator = torch.Generator().manual_seed(SEED)
        model = WithSound(on_packed(kind), start[..., SIZE:])
        video = refine_reference(
            model.estimate,
            (coder.decode, coder.encode),
            kind[0],
            start[..., :SIZE].view(VIDEO),
            render,
            sigmas,
            guided,
            lambda: torch.randn(VIDEO, generator=generator),
            settings,
        )
        return model.result(video)

    check(found, run(GUIDED), run(0), dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("kind", HOST_KINDS)
def test_motion_transfer_equals_its_definition(
    kind: tuple[NoiseSchedule, Prediction], dtype: torch.dtype
) -> None:
    pack_module("nodes.host")
    host = importlib.import_module(f"{MODULE_NAME}.nodes.host_model_transfer")
    start, sigmas = start_of(kind, dtype), sigmas_of(kind[0])
    clean = torch.rand(VIDEO, generator=torch.Generator().manual_seed(2)).to(dtype)
    noise = torch.randn(VIDEO, generator=torch.Generator().manual_seed(SEED)).to(dtype)
    settings = TransferSettings(rate=0.02)
    source = host.MotionSource(clean, settings, seed=SEED)
    predict = host._transfer_prediction(settings)
    found = through_hooks(host._begin_transfer(source), predict, kind, start)

    def run(guided: int) -> Tensor:
        model = WithSound(on_packed(kind), start[..., SIZE:])
        video = transfer_reference(
            model.estimate,
            model.source_estimate,
            kind[0],
            start[..., :SIZE].view(VIDEO),
            (clean, noise),
            sigmas,
            guided,
            settings,
        )
        return model.result(video)

    check(found, run(GUIDED), run(0), dtype)
