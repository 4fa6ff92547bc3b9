"""Trains the tiny base: latents of clips from noise and their first frame, without tracks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...models.animatediff.branch import first_frame_condition
from ...models.animatediff.settings import ddim_scheduler
from ...models.sd15.encoding import encode_images
from ...progress import Progress, silent
from ..config import RunConfig, parse_values
from ..track_controlnet.clips import ClipSource
from .networks import CONTEXT_DIM, TinyBase, new_base

TIMESTEPS = 1000
PROBE_LEVELS = (300, 700, 950)


@dataclass(frozen=True)
class BaseConfig(RunConfig):
    """A run of the base. Raises ValueError for values out of range."""

    batch: int = 8
    lr: float = 2e-3
    ema: float = 0.99
    cooldown: float = 0.5
    probe_steps: int = 100


def read_config(values: dict[str, Any]) -> BaseConfig:
    """A config from the values of a checkpoint. Raises ValueError."""
    return parse_values(values, BaseConfig)


class NoisyClips(NamedTuple):
    """B clips.

    Attributes:
        clean, noise: (B, 4, T, h, w).
        timestep: (B,).
    """

    clean: Tensor
    noise: Tensor
    timestep: Tensor

    def to(self, device: torch.device | str) -> NoisyClips:
        """The same on another device."""
        return NoisyClips(*(one.to(device) for one in self))


class BaseModule(nn.Module):
    """U-Net and network of the first frame, and their loss."""

    def __init__(self, base: TinyBase) -> None:
        super().__init__()
        self.unet, self.image = base.unet, base.image
        self.scheduler = ddim_scheduler("v_prediction")

    def forward(self, batch: NoisyClips) -> dict[str, Tensor]:
        """Mean squared error of v."""
        return {"loss": self.errors(batch).mean()}

    def errors(self, batch: NoisyClips) -> Tensor:
        """(B,) mean squared error of v of each clip."""
        clean, noise, timestep = batch
        frames = clean.shape[2]
        # Without a text encoder all tokens of a prompt are zero, and attention to one of them is
        # attention to all.
        embeds = clean.new_zeros(len(clean), 1, CONTEXT_DIM)
        conditions = [first_frame_condition(one[:, 0], frames) for one in clean]
        features = torch.stack([self.image.features(one) for one in conditions])
        added = self.image(features, timestep, embeds)
        predicted = self.unet(
            self.scheduler.add_noise(clean, noise, timestep),
            timestep,
            encoder_hidden_states=embeds.repeat_interleave(frames, dim=0),
            down_block_additional_residuals=added.down_block_residuals,
            mid_block_additional_residual=added.mid_block_residual,
        ).sample
        wanted = self.scheduler.get_velocity(clean, noise, timestep)
        return (predicted - wanted).square().flatten(1).mean(1)


class BaseTask:
    """A Task: a new TinyBase on the latents of clips.

    Args:
        config: Of the run.
        latents: (N, 4, T, h, w), from `latents_of`.
        held_out: Of the probes, likewise.
    """

    exported = ""
    unused_parameters = True
    tensorboard = False
    sharded = False

    def __init__(self, config: BaseConfig, latents: Tensor, held_out: Tensor | None) -> None:
        self.config, self.latents, self.held_out = config, latents, held_out
        self.module: nn.Module = BaseModule(new_base(config.seed))
        self.trained: nn.Module = self.module

    def read_config(self, values: dict[str, Any]) -> BaseConfig:
        """See `read_config`."""
        return read_config(values)

    def batches(self, first: int, rank: int, world: int) -> Iterator[Sequence[NoisyClips]]:
        """Random clips at random noise levels, as often backwards as not."""
        config = self.config
        for step in range(first, config.steps):
            rng = np.random.default_rng([config.seed, 12, step, rank])
            picked = torch.from_numpy(rng.integers(len(self.latents), size=config.batch))
            clean = self.latents[picked]
            if rng.random() < 0.5:
                clean = clean.flip(2)
            noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
            timestep = torch.from_numpy(rng.integers(TIMESTEPS, size=config.batch))
            yield [NoisyClips(clean, noise, timestep)]

    def probe(self, averaged: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Errors of held-out clips at three noise levels."""
        if self.held_out is None:
            return {}
        module = averaged
        assert isinstance(module, BaseModule)
        noise = torch.randn(self.held_out.shape, generator=torch.Generator().manual_seed(7))
        found = {}
        for level in PROBE_LEVELS:
            timestep = torch.full((len(noise),), level)
            with torch.no_grad():
                errors = module.errors(NoisyClips(self.held_out, noise, timestep))
            found[f"{level / TIMESTEPS:g}"] = float(errors.mean())
        return found


@torch.no_grad()
def latents_of(
    autoencoder: Any, clips: ClipSource, frames: int, count: int = 0, progress: Progress = silent
) -> Tensor:
    """(N, 4, T, h, w) scaled latents of clips, each also mirrored.

    Args:
        autoencoder: The AutoencoderKL.
        clips: Of at least `frames` frames, the first of which are taken.
        frames: T.
        count: How many clips, which then are not mirrored; 0 for all.
        progress: Called per clip.
    """
    found, total = [], count or sum(clips.counts)
    for index in range(total):
        video = clips[index].video[:frames].float() / 255
        variants = [video] if count else [video, video.flip(2), video.flip(1), video.flip(1, 2)]
        for variant in variants:
            found.append(encode_images(autoencoder, variant).transpose(0, 1))
        progress(index + 1, total)
    return torch.stack(found)
