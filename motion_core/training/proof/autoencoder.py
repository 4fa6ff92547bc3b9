"""Trains the tiny autoencoder on the frames of clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..config import RunConfig, parse_values
from ..track_controlnet.clips import ClipSource
from .networks import new_autoencoder


@dataclass(frozen=True)
class AutoencoderConfig(RunConfig):
    """A run of the autoencoder. latent_noise: standard deviation of noise on the latents, in units
    of theirs, so that the decoder is smooth where a sampler errs."""

    batch: int = 16
    lr: float = 3e-3
    ema: float = 0.99
    cooldown: float = 0.5
    latent_noise: float = 0.05


def read_config(values: dict[str, Any]) -> AutoencoderConfig:
    """A config from the values of a checkpoint. Raises ValueError."""
    return parse_values(values, AutoencoderConfig)


class Images(NamedTuple):
    """B images (B, 3, H, W), -1..1, and noise (B, 4, H/8, W/8) for their latents."""

    pixels: Tensor
    noise: Tensor

    def to(self, device: torch.device | str) -> Images:
        """The same on another device."""
        return Images(self.pixels.to(device), self.noise.to(device))


class _Reconstruction(nn.Module):
    def __init__(self, autoencoder: nn.Module, latent_noise: float) -> None:
        super().__init__()
        self.autoencoder, self.latent_noise = autoencoder, latent_noise

    def forward(self, batch: Images) -> dict[str, Tensor]:
        """Mean absolute and squared error of the pixels, and a weak pull of latents to 0."""
        network: Any = self.autoencoder
        latents = network.encode(batch.pixels).latent_dist.mode()
        scale = latents.detach().std()
        made = network.decode(latents + self.latent_noise * scale * batch.noise).sample
        apart = made - batch.pixels
        pull = 1e-3 * latents.square().mean()
        return {"loss": apart.abs().mean() + apart.square().mean() + pull, "l1": apart.abs().mean()}


class AutoencoderTask:
    """A Task: the autoencoder of a TinyBase.

    Args:
        config: Of the run.
        clips: Whose frames are trained on.
    """

    exported = ""
    unused_parameters = True
    tensorboard = False
    sharded = False

    def __init__(self, config: AutoencoderConfig, clips: ClipSource) -> None:
        self.config = config
        self.frames = [_planes(clips[index].video) for index in range(sum(clips.counts))]
        self.trained: nn.Module = new_autoencoder(config.seed)
        self.module: nn.Module = _Reconstruction(self.trained, config.latent_noise)

    def read_config(self, values: dict[str, Any]) -> AutoencoderConfig:
        """See `read_config`."""
        return read_config(values)

    def batches(self, first: int, rank: int, world: int) -> Iterator[Sequence[Images]]:
        """Random frames, mirrored or not."""
        config = self.config
        for step in range(first, config.steps):
            rng = np.random.default_rng([config.seed, 11, step, rank])
            picked = rng.integers(len(self.frames), size=config.batch)
            chosen = [self.frames[clip] for clip in picked]
            pixels = torch.stack([one[rng.integers(len(one))] for one in chosen])
            pixels = pixels.float() / 127.5 - 1
            height, width = (side // 8 for side in pixels.shape[2:])
            noise = torch.from_numpy(
                rng.standard_normal((config.batch, 4, height, width), np.float32)
            )
            flips = [axis for axis in (2, 3) if rng.random() < 0.5]
            yield [Images(pixels.flip(flips), noise)]

    def probe(self, averaged: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Nothing: what the autoencoder is worth is measured at the end, by tracks."""
        return {}


def _planes(video: Tensor) -> Tensor:
    """(T, 3, H, W) uint8 of a video (T, H, W, 3)."""
    return video.permute(0, 3, 1, 2).contiguous()
