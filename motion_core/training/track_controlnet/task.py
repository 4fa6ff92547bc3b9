"""Trains a Track-ControlNet on a frozen base, and exports it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from ...errors import FormatError
from ...geometry import Size
from ...progress import Progress, silent
from ..checkpoint import check_names, load_checkpoint
from ..config import parse_values
from ..lite.train import use_one_thread
from ..memory import autocast, checkpointed, spread
from ..run import run_task
from .bases import TrainableBase
from .batches import ClipBatch, StepBatches
from .clips import ClipSource, digest_of
from .config import TrackControlNetConfig
from .probe import probe_control
from .samples import sample_control

# Numbers of each weight of a base that its digest covers.
SAMPLED = 16


def train_track_controlnet(
    config: TrackControlNetConfig,
    base: TrainableBase,
    clips: ClipSource,
    folder: Path,
    *,
    held_out: ClipSource | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Path:
    """Run or resume the training of a Track-ControlNet.

    Args:
        config: Of the run.
        base: Stays as it is.
        clips: Trained on.
        folder: Receives checkpoint.safetensors and log.jsonl.
        held_out: Clips of the probes; without them nothing is probed.
        resume: Continue from the folder's checkpoint, on the same base and clips.
        progress: Called once per step.

    Returns:
        The path of the last checkpoint.

    Raises:
        ValueError: The clips have sides or lengths that the base cannot make, and what `run_task`
            raises.
        FormatError: A clip cannot be read.
    """
    task = TrackControlNetTask(config, base, clips, held_out)
    return run_task(task, folder, resume=resume, progress=progress)


def export_track_controlnet(
    checkpoint: Path, base: TrainableBase, target: Path, read: Any = None
) -> None:
    """Write the averaged weights of a checkpoint as the file that Load Track-ControlNet reads.

    Args:
        checkpoint: Of a run.
        base: That it was trained on.
        target: The file to write.
        read: Reads the checkpoint's config; None for `read_config`.

    Raises:
        FileNotFoundError, FormatError: See `load_checkpoint`; also a checkpoint of another base.
        OSError: The file cannot be written; an older one stays intact.
    """
    tensors, config, _ = load_checkpoint(checkpoint, read or read_config)
    if config.base != base_digest(base):
        raise FormatError(f"{checkpoint} was trained on another base; load that one.")
    control = base.new_control()
    parameters = dict(control.named_parameters())
    shapes = {f"average.{name}": tuple(value.shape) for name, value in parameters.items()}
    check_names(tensors, shapes, checkpoint)
    with torch.no_grad():
        for name, value in parameters.items():
            value.copy_(tensors[f"average.{name}"])
    base.save(control, target)


def read_config(values: dict[str, Any]) -> TrackControlNetConfig:
    """A config from the values of a checkpoint. Raises ValueError."""
    return parse_values(values, TrackControlNetConfig)


def base_digest(base: TrainableBase) -> str:
    """A digest of names, shapes and a few numbers of every weight of a base."""
    digest = hashlib.sha256()
    for name, weight in base.network.state_dict().items():
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().flatten()[:SAMPLED].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def shards_of(base: TrainableBase) -> list[nn.Module]:
    """What can be spread of a base. Raises ValueError where there is nothing."""
    found = base.shards()
    if not found:
        raise ValueError(
            f"shard=base is for bases that a device cannot hold; {base.label} is small. Leave "
            "shard at none."
        )
    return found


class ControlledBase(nn.Module):
    """A base with a Track-ControlNet, and its loss. Only the control is trained.

    Args:
        base: Stays as it is.
        control: Trained.
        precision: See `autocast`.
        checkpointing: Compute activations again in the backward pass instead of keeping them.
        steps_schedule: 0 for noise levels as the base was trained on; N for those of a sampler of
            N steps alone, all equally often.
    """

    def __init__(
        self,
        base: TrainableBase,
        control: nn.Module,
        precision: str = "float32",
        checkpointing: bool = False,
        steps_schedule: int = 0,
    ) -> None:
        super().__init__()
        self.precision, self.blocks = precision, base.blocks(control) if checkpointing else []
        self.base, self.network, self.control = base, base.network, control
        # All processes read the base from the same files.
        frozen = [*self.network.named_parameters("network"), *self.network.named_buffers("network")]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(
            self, [name for name, _ in frozen]
        )
        self.levels = base.sampler_levels(steps_schedule).tolist() if steps_schedule else []

    def forward(self, batch: ClipBatch) -> dict[str, Tensor]:
        """The mean loss of the clips of a batch."""
        with torch.no_grad():
            encoded = self.base.encode(batch)
        level = scheduled(self.levels, batch.seeds) if self.levels else None
        with autocast(batch.video.device, self.precision), checkpointed(self.blocks):
            errors = self.base.errors(self.control, encoded, batch.tracks, batch.seeds, level)
        return {"loss": errors.mean()}


def scheduled(levels: Sequence[float], seeds: Sequence[int]) -> list[float]:
    """One of some noise levels for each clip, drawn from its seed."""
    # Another stream than those of the latents' noise and of the first image's.
    generators = [torch.Generator().manual_seed(seed + 2) for seed in seeds]
    return [levels[int(torch.randint(len(levels), (), generator=one))] for one in generators]


class TrackControlNetTask:
    """A Task: a new Track-ControlNet on a frozen base."""

    exported = ""
    # Where no clip of a batch has a visible track, the first layer gets no gradient.
    unused_parameters = True

    def __init__(
        self,
        config: TrackControlNetConfig,
        base: TrainableBase,
        clips: ClipSource,
        held_out: ClipSource | None = None,
    ) -> None:
        first = clips[0]
        base.check_size(Size(first.video.shape[2], first.video.shape[1]))
        base.frames.of(config.frames, len(first.video))
        digests = {"base": base_digest(base), "data": digest_of(clips, "the data")}
        self.config = replace(config, **digests)
        self.base, self.clips, self.held_out = base, clips, held_out
        self.tensorboard = config.tensorboard
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self.trained: nn.Module = base.new_control().eval()
        # After digest and copy, which read whole weights.
        self.sharded = config.shard == "base" and spread(shards_of(base))
        self.module: nn.Module = ControlledBase(
            base, self.trained, config.precision, config.checkpointing, config.steps_schedule
        )

    def read_config(self, values: dict[str, Any]) -> TrackControlNetConfig:
        """See `read_config`."""
        return read_config(values)

    def batches(self, first: int, rank: int, world: int) -> Iterator[Sequence[ClipBatch]]:
        """As many batches per step as are accumulated."""
        config = self.config
        return iter(
            DataLoader(
                StepBatches(config, self.clips, self.base.frames, rank, world),
                batch_size=None,
                sampler=range(first, config.steps),
                num_workers=config.workers,
                worker_init_fn=use_one_thread,
                generator=torch.Generator().manual_seed(config.seed),
                # Workers are started anew: a fork of a process with CUDA or threads may hang.
                multiprocessing_context="spawn" if config.workers else None,
            )
        )

    def probe(self, averaged: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """See `probe_control` and `sample_control`."""
        if self.held_out is None:
            return {}
        errors = probe_control(self.base, averaged, self.held_out, self.config)
        if self.config.sample_clips:
            given = (self.held_out, self.config, folder, step)
            errors |= sample_control(self.base, averaged, *given)
        return errors
