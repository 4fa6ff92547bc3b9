"""The runs of a tiny base: its autoencoder, then the U-Net, and the files they end in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...progress import Progress, silent
from ..checkpoint import load_checkpoint
from ..run import CHECKPOINT, run_task
from ..track_controlnet.clips import ClipSource
from . import autoencoder, base
from .autoencoder import AutoencoderConfig, AutoencoderTask
from .base import BaseConfig, BaseModule, BaseTask, latents_of
from .networks import TinyBase, new_autoencoder, new_base


def train_autoencoder(
    config: AutoencoderConfig, clips: ClipSource, folder: Path, progress: Progress = silent
) -> Any:
    """Train, or go on with the folder's checkpoint; returns the averaged AutoencoderKL.

    Its scaling factor brings the latents of the clips to a standard deviation of 1.

    Raises what `run_task` raises.
    """
    resume = (folder / CHECKPOINT).exists()
    path = run_task(AutoencoderTask(config, clips), folder, resume=resume, progress=progress)
    network = new_autoencoder(config.seed)
    _restore(network, path, autoencoder.read_config)
    network.eval().requires_grad_(False).register_to_config(scaling_factor=1.0)
    sample = latents_of(network, clips, len(clips[0].video), min(64, sum(clips.counts)))
    network.register_to_config(scaling_factor=1 / float(sample.std()))
    return network


def train_base(
    config: BaseConfig,
    latents: torch.Tensor,
    held_out: torch.Tensor | None,
    folder: Path,
    progress: Progress = silent,
) -> TinyBase:
    """Train, or go on with the folder's checkpoint; returns the averaged networks.

    Args:
        config: Of the run.
        latents, held_out: (N, 4, T, h, w) from `latents_of`.
        folder: Of the run.
        progress: Called once per step.

    Raises what `run_task` raises.
    """
    resume = (folder / CHECKPOINT).exists()
    path = run_task(BaseTask(config, latents, held_out), folder, resume=resume, progress=progress)
    found = new_base(config.seed)
    module = BaseModule(found)
    _restore(module, path, base.read_config)
    module.eval().requires_grad_(False)
    return found


def _restore(module: torch.nn.Module, checkpoint: Path, read_config: Any) -> None:
    """Give a module the averaged weights of a checkpoint."""
    tensors, _, _ = load_checkpoint(checkpoint, read_config)
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(tensors[f"average.{name}"])
