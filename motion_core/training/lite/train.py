"""The training of lite's stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.utils.data import DataLoader

from ...progress import Progress, silent
from ..config import TrainConfig, config_from
from ..run import run_task
from .data import Batch, SceneBatches
from .stages import Stage, make_stage, probe_stage


def train(
    config: TrainConfig, folder: Path, *, resume: bool = False, progress: Progress = silent
) -> Path:
    """Run or resume the training of a stage; see `run_task`, whose errors it raises."""
    return run_task(_StageTask(config), folder, resume=resume, progress=progress)


class _StageTask:
    """A Task: a stage on procedural scenes."""

    unused_parameters = False
    tensorboard = False
    sharded = False

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self.module: nn.Module = make_stage(config)
        # With channels last a step of the base takes a fifth less time on a CPU.
        self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trained: nn.Module = self.module
        self.exported = f"{config.stage}."

    def read_config(self, values: dict[str, Any]) -> TrainConfig:
        """See `config_from`."""
        return config_from(values)

    def batches(self, first: int, rank: int, world: int) -> Iterator[Sequence[Batch]]:
        """One batch per step."""
        loader = DataLoader(
            SceneBatches(self.config, rank, world),
            batch_size=None,
            sampler=range(first, self.config.steps),
            num_workers=self.config.workers,
            worker_init_fn=use_one_thread,
            generator=torch.Generator().manual_seed(self.config.seed),
            prefetch_factor=8 if self.config.workers else None,
        )
        return ([batch] for batch in loader)

    def probe(self, averaged: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """See `probe_stage`."""
        return probe_stage(cast(Stage, averaged), self.config)


def use_one_thread(_: int) -> None:
    """For a worker of a DataLoader: the other cores belong to the other workers."""
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
