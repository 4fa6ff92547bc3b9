"""Lite from a picture and a drag to a rendered clip, and what control costs of a sampling step."""

from __future__ import annotations

import time

import torch

from motion_core.geometry import Size
from motion_core.models.lite.base import LiteBase
from motion_core.models.lite.load import load_lite
from motion_core.models.lite.track_controlnet import LiteTrackControlNet
from motion_core.models.protocols import GenerationRequest
from motion_core.models.registry import load_track_model
from motion_core.sampling import Sampling, sample
from motion_core.tracks.model import Tracks, make_tracks

from .row import Row, best_seconds

SIZE, FRAMES, STEPS = Size(512, 512), 16, 8
MOST_SECONDS, MOST_CONTROL = 10.0, 0.3


def measure() -> list[Row]:
    """Processor time of a clip, and the control branch against the base at one step."""
    return [measure_clip(), measure_control()]


def measure_clip() -> Row:
    """16 frames of 512x512 including rendering; libraries are imported beforehand."""
    generator = torch.Generator().manual_seed(0)
    request, tracks = (
        GenerationRequest(torch.rand(512, 512, 3, generator=generator), FRAMES),
        drag(),
    )
    lite = load_track_model("lite")
    sample(lite.model, lite.control, request, tracks, Sampling(STEPS))
    begin = time.process_time()
    sample(lite.model, lite.control, request, tracks, Sampling(STEPS))
    took = time.process_time() - begin
    label = f"lite, {STEPS} steps, {FRAMES} frames of {SIZE}"
    return Row(label, took, "CPU s", "10 s", took / MOST_SECONDS, 1.0)


@torch.no_grad()
def measure_control() -> Row:
    """One step with and without control. Base and control are untrained; weights do not change the
    cost."""
    lite = load_lite()
    base = LiteBase(lite.encoder).eval()
    control = LiteTrackControlNet(base, lite).eval()
    image = torch.rand(512, 512, 3, generator=torch.Generator().manual_seed(0))
    prepared = control.prepare(image, drag())
    features = base.encode_image(lite.preprocess(image))
    noisy, tau = base.noise(1, torch.Generator().manual_seed(0)), torch.tensor([0.5])
    works = {
        "steered": lambda: base(noisy, tau, features, control.residuals(prepared, noisy, tau)),
        "base": lambda: base(noisy, tau, features),
    }
    best = best_seconds(works, repeats=15)
    added = best["steered"] - best["base"]
    label = "lite, what control adds to a step"
    return Row(label, 1e3 * added, "ms", "the base's step", added / best["base"], MOST_CONTROL)


def drag() -> Tracks:
    """Nine points that move, and pins at the rim."""
    axis = torch.tensor([200.0, 220.0, 240.0])
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).view(-1, 2)
    pins = torch.tensor([[x, y] for x in (20.0, 256.0, 490.0) for y in (20.0, 490.0)])
    start = torch.cat([grid, pins])
    moved = torch.zeros(FRAMES, len(start), 2)
    moved[:, :9] = torch.linspace(0, 1, FRAMES)[:, None, None] * torch.tensor([45.0, 15.0])
    return make_tracks(start + moved, SIZE)
