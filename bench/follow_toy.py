"""Dual-clock denoising on a small video diffusion model that is trained here in a minute.

`python -m bench.follow_toy` trains it on a CPU and prints the figures of docs/native.md. The clips
show two discs that drift in straight lines of their own, a red and a green one, over a still
ground. The model generates a clip from its first picture. A draft moves the red disc along an asked
path and leaves the rest frozen; the question is where the discs of the generated clip end.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion_core.guidance.clocks import FREE, Clock, flow_scale
from motion_core.guidance.dual_clock import DualClock, FollowRegion, follow_reference
from motion_core.guidance.latent_mask import feathered
from motion_core.guidance.noise_schedule import FlowSchedule, add_noise

FRAMES, SIZE, RADIUS = 6, 16, 2.2
REACH = 5.0  # pixels that a disc drifts at most, in each direction
STEPS = 16
SCALE = flow_scale(1.0)
RAMP = 0.1
PAPER = "two hard clocks (paper)"
RED, GREEN = 0, 1


def discs(start: Tensor, drift: Tensor) -> Tensor:
    """(B, T, S, S) in 0..1, a disc per clip that drifts in a straight line.

    start, drift: (B, 2) of (x, y), in pixels; the drift is that of the whole clip."""
    along = torch.linspace(0, 1, FRAMES)[None, :, None]
    centre = start[:, None] + along * drift[:, None]  # (B, T, 2)
    pixel = torch.arange(SIZE) + 0.5
    across = (pixel[None, None, None, :] - centre[..., 0, None, None]) ** 2
    down = (pixel[None, None, :, None] - centre[..., 1, None, None]) ** 2
    return torch.sigmoid(2.0 * (RADIUS - (across + down).sqrt()))


def ground(count: int, generator: torch.Generator) -> Tensor:
    """(B, S, S), smooth random brightness."""
    coarse = torch.rand(count, 1, 4, 4, generator=generator)
    return functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic", align_corners=False)[:, 0]


@dataclass(frozen=True)
class Clips:
    """Clips and what is in them: video (B, 3, T, S, S) in -1..1, starts and drifts (B, 2, 2)."""

    video: Tensor
    start: Tensor
    drift: Tensor


def clips(count: int, generator: torch.Generator, drift: Tensor | None = None) -> Clips:
    """Random clips; drift (B, 2, 2) sets the drifts of the red and the green disc."""
    half = torch.tensor([SIZE / 2.0, SIZE / 2.0])
    start = half + (torch.rand(count, 2, 2, generator=generator) - 0.5) * (SIZE - 2 * REACH)
    if drift is None:
        drift = (torch.rand(count, 2, 2, generator=generator) * 2 - 1) * REACH
    still = ground(count, generator)[:, None].expand(-1, FRAMES, -1, -1)
    return Clips(painted(start, drift, still), start, drift)


def painted(start: Tensor, drift: Tensor, still: Tensor) -> Tensor:
    """(B, 3, T, S, S) in -1..1: red, green, and the ground (B, T, S, S)."""
    layers = [discs(start[:, one], drift[:, one]) for one in (RED, GREEN)]
    return torch.stack([*layers, still], 1) * 2 - 1


class ToyDenoiser(nn.Module):
    """Clean clips from noised ones, the first picture and sigma: 3-D convolutions with skips."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.enter = nn.Conv3d(6, width, 3, padding=1)
        self.sigma = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, 4 * width))
        self.blocks = nn.ModuleList(nn.Conv3d(width, width, 3, padding=1) for _ in range(4))
        self.leave = nn.Conv3d(width, 3, 3, padding=1)

    def forward(self, latents: Tensor, sigma: Tensor, first: Tensor) -> Tensor:
        """(B, 3, T, S, S) clean; sigma (B,), first (B, 3, S, S)."""
        beside = first[:, :, None].expand(-1, -1, FRAMES, -1, -1)
        hidden = self.enter(torch.cat([latents, beside], 1))
        waves = sigma[:, None] * math.pi * 2.0 ** torch.arange(8)
        bias = self.sigma(torch.cat([waves.sin(), waves.cos()], 1)).chunk(4, 1)
        for index, (block, shift) in enumerate(zip(self.blocks, bias, strict=True)):
            pooled = functional.avg_pool3d(hidden, (1, 4, 4)) if index in (1, 2) else hidden
            changed = block(functional.silu(pooled + shift[:, :, None, None, None]))
            if index in (1, 2):
                changed = functional.interpolate(changed, hidden.shape[2:], mode="trilinear")
            hidden = hidden + changed
        return self.leave(functional.silu(hidden))


def trained(steps: int, batch: int = 16, seed: int = 0) -> ToyDenoiser:
    """A model trained on fresh clips with the flow's own noise levels."""
    torch.manual_seed(seed)
    model, generator = ToyDenoiser(), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(steps):
        video = clips(batch, generator).video
        sigma = torch.rand(batch, generator=generator) ** 0.7
        noise = torch.randn(video.shape, generator=generator)
        guess = model(add_noise(FlowSchedule(), video, noise, sigma), sigma, video[:, :, 0])
        optimizer.zero_grad()
        functional.mse_loss(guess, video).backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def position(video: Tensor, colour: int) -> Tensor:
    """(B, 2), where a disc is in the last picture: the centroid of its brightest pixels."""
    weight = (video[:, colour, -1] * 0.5 + 0.5).clamp(0, 1)
    weight = torch.where(weight > 0.5 * weight.amax((1, 2), keepdim=True), weight, 0.0)
    pixel = torch.arange(SIZE) + 0.5
    total = weight.sum((1, 2))
    return torch.stack(
        [(weight * pixel).sum((1, 2)) / total, (weight * pixel[:, None]).sum((1, 2)) / total], -1
    )


@dataclass(frozen=True)
class Question:
    """Clips to generate: the first pictures, asked drifts, drafts, masks of the two discs' paths.

    Masks are (B, 1, T, S, S), 1 within 1.5 radii of a disc."""

    first: Tensor
    start: Tensor
    asked: Tensor
    draft: Tensor
    masks: tuple[Tensor, Tensor]
    noise: Tensor


def question(count: int, *, both: bool, seed: int = 1) -> Question:
    """Random first pictures and asked drifts; the draft moves the red disc, or both of them."""
    generator = torch.Generator().manual_seed(seed)
    found = clips(count, generator)
    asked = (torch.rand(count, 2, 2, generator=generator) * 2 - 1) * REACH
    drawn = asked.clone()
    if not both:
        drawn[:, GREEN] = 0
    still = found.video[:, 2] * 0.5 + 0.5
    draft = painted(found.start, drawn, still)
    wide = [(discs(found.start[:, one], drawn[:, one]) > 0.02).float() for one in (RED, GREEN)]
    noise = torch.randn(draft.shape, generator=generator)
    masks = (wide[RED][:, None], wide[GREEN][:, None])
    return Question(found.video[:, :, 0], found.start, asked, draft, masks, noise)


def generated(model: ToyDenoiser, asks: Question, clock: DualClock) -> Tensor:
    """(B, 3, T, S, S), all clips of a question followed at once."""
    sigmas = [1 - index / STEPS for index in range(STEPS + 1)]

    def denoiser(latents: Tensor, sigma: float) -> Tensor:
        return model(latents, torch.full((len(latents),), sigma), asks.first)

    with torch.no_grad():
        return follow_reference(denoiser, clock, asks.noise, sigmas, FlowSchedule())


@dataclass(frozen=True)
class Figure:
    """A mean and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Tensor) -> Figure:
        """Over clips."""
        return cls(float(values.mean()), float(values.std() / math.sqrt(len(values))))

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.error:.4f}"


def endpoint_error(video: Tensor, asks: Question, colour: int) -> Tensor:
    """(B,) pixels between where a disc ends and where it was asked to end."""
    wanted = asks.start[:, colour] + asks.asked[:, colour]
    return (position(video, colour) - wanted).norm(dim=-1)


def rest_change(video: Tensor, plain: Tensor, asks: Question) -> Tensor:
    """(B,) RMS difference from the run without control, outside the wide surroundings of the red
    disc, in the green disc and the ground."""
    outside = (functional.max_pool3d(asks.masks[RED], (1, 3, 3), 1, (0, 1, 1)) == 0).float()
    squares = ((video - plain)[:, 1:] ** 2 * outside).sum((1, 2, 3, 4))
    return (squares / (2 * outside.sum((1, 2, 3, 4)))).sqrt()


def control(asks: Question, weak: Clock, strong: Clock, feather: float = 0.0) -> DualClock:
    """Follow Motion's clocks: the red disc's mask strong, the rest weak."""
    mask = torch.stack([feathered(one[0], feather) for one in asks.masks[RED]])[:, None]
    return DualClock(asks.draft, weak, (FollowRegion(mask, strong),))


def control_figures(model: ToyDenoiser, count: int) -> dict[str, dict[str, Figure]]:
    """Endpoint error of the red disc and change of the rest, without control and with it.

    "rest less" and "endpoint less" are paired differences from the paper's form, two hard clocks
    with a hard mask. Where a row has one ramp, it is that of both clocks, as in the node."""
    asks = question(count, both=False)
    clock = SCALE.clock
    ramps = (clock(0.15, RAMP), clock(0.5, RAMP))
    runs = {
        PAPER: control(asks, clock(0.15), clock(0.5)),
        "no control": control(asks, FREE, FREE),
        "two ramps": control(asks, *ramps),
        "two ramps, soft mask": control(asks, *ramps, 1.0),
        "free background": control(asks, FREE, clock(0.5)),
        "free background, ramp": control(asks, FREE, ramps[1]),
        "free background, strong 0.6": control(asks, FREE, clock(0.6)),
        "free background, strong 0.6, ramp 0.5": control(asks, FREE, clock(0.6, 0.5)),
        "weak 0.05, strong 0.6, ramps": control(asks, clock(0.05, 0.1), clock(0.6, 0.5)),
    }
    plain = generated(model, asks, runs["no control"])
    ends, changes = {}, {}
    for name, one in runs.items():
        video = generated(model, asks, one)
        ends[name] = endpoint_error(video, asks, RED)
        changes[name] = rest_change(video, plain, asks)
    return {
        name: {
            "endpoint": Figure.of(ends[name]),
            "rest": Figure.of(changes[name]),
            "endpoint less": Figure.of(ends[PAPER] - ends[name]),
            "rest less": Figure.of(changes[PAPER] - changes[name]),
        }
        for name in runs
    }


def weak_clock_figures(model: ToyDenoiser, count: int) -> dict[str, dict[str, Figure]]:
    """Change of the rest by how long it follows: with hard clocks, with ramps, the difference."""
    asks = question(count, both=False)
    plain = generated(model, asks, control(asks, FREE, FREE))
    found = {}
    for follow in (0.05, 0.1, 0.15, 0.2, 0.3):
        changes, ends = [], []
        for ramp in (0.0, RAMP):
            clocks = (SCALE.clock(follow, ramp), SCALE.clock(0.5, ramp))
            video = generated(model, asks, control(asks, *clocks))
            changes.append(rest_change(video, plain, asks))
            ends.append(Figure.of(endpoint_error(video, asks, RED)))
        hard, soft = changes
        found[f"weak {follow}"] = {
            "endpoint, hard": ends[0],
            "endpoint, ramps": ends[1],
            "rest, hard": Figure.of(hard),
            "rest, ramps": Figure.of(soft),
            "less with ramps": Figure.of(hard - soft),
        }
    return found


def region_figures(model: ToyDenoiser, count: int) -> dict[str, dict[str, Figure]]:
    """Endpoint errors of both discs when both are asked to move, with clocks of their own."""
    asks = question(count, both=True, seed=2)
    pairs = {"red tight, green loose": (0.6, 0.1), "red loose, green tight": (0.1, 0.6)}
    found = {}
    for name, follows in pairs.items():
        regions = tuple(
            FollowRegion(asks.masks[one], SCALE.clock(follow))
            for one, follow in zip((RED, GREEN), follows, strict=True)
        )
        video = generated(model, asks, DualClock(asks.draft, FREE, regions))
        found[name] = {
            "red": Figure.of(endpoint_error(video, asks, RED)),
            "green": Figure.of(endpoint_error(video, asks, GREEN)),
        }
    return found


def main(words: list[str]) -> None:
    """Trains, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400, help="training steps")
    parser.add_argument("--clips", type=int, default=256, help="generated clips per figure")
    options = parser.parse_args(words)
    model = trained(options.steps)
    figures = {
        "control": control_figures(model, options.clips),
        "weak clock": weak_clock_figures(model, options.clips),
        "regions": region_figures(model, options.clips),
    }
    for table in figures.values():
        for name, row in table.items():
            sys.stdout.write(f"{name:38} {'  '.join(f'{key} {one}' for key, one in row.items())}\n")
    as_numbers = {
        part: {name: {key: asdict(one) for key, one in row.items()} for name, row in table.items()}
        for part, table in figures.items()
    }
    sys.stdout.write(json.dumps(as_numbers) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
