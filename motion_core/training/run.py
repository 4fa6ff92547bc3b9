"""The training loop of all stages, on CPU, one GPU or several."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from ..progress import Progress, silent
from .checkpoint import (
    check_names,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from .config import TrainConfig, ema_decay_at, learning_rate_at
from .lite.data import Batch, SceneBatches
from .lite.stages import Stage, make_stage, probe_stage
from .log import append_line, truncate_log

LOG_STEPS = 25
# Values of the config that may change when a run is resumed.
CHANGEABLE = {"steps", "workers", "save_seconds", "probe_steps", "probe_scenes"}
LOG, CHECKPOINT = "log.jsonl", "checkpoint.safetensors"

logger = logging.getLogger(__name__)


def train(
    config: TrainConfig, folder: Path, *, resume: bool = False, progress: Progress = silent
) -> Path:
    """Run or resume a training.

    A run that was interrupted and resumed gives the same weights as one that was not.

    Args:
        config: The run.
        folder: Receives checkpoint.safetensors and log.jsonl.
        resume: Continue from the folder's checkpoint. Only the values in CHANGEABLE may differ from
            the config of the checkpoint.
        progress: Called once per step. It may raise to stop; a checkpoint is written first.

    Returns:
        The path of the last checkpoint.

    Raises:
        ValueError: The folder holds a run already, or its config is another.
        FileNotFoundError, FormatError: See `load_checkpoint`.
        OSError: The checkpoint or the log cannot be written.
    """
    from accelerate import Accelerator

    run = _Run(config, folder, Accelerator())
    run.prepare(resume)
    try:
        run.loop(progress)
    finally:
        run.save()
    return folder / CHECKPOINT


def is_first_process() -> bool:
    """Whether this is the one process of `accelerate launch` that writes files."""
    from accelerate import PartialState

    return PartialState().is_main_process


class _Run:
    """A model, its moving average, its optimizer and the number of steps they have taken."""

    def __init__(self, config: TrainConfig, folder: Path, accelerator: Any) -> None:
        self.config, self.folder, self.accelerator = config, folder, accelerator
        self.step = 0
        self.is_updating = False
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self.stage: Stage = make_stage(config)
        # With channels last a step of the base takes a fifth less time on a CPU.
        self.stage.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trainable = {n: p for n, p in self.stage.named_parameters() if p.requires_grad}
        # Parameters of the stage's part that are not trained but exported with it.
        self.frozen = {
            name: parameter
            for name, parameter in self.stage.named_parameters()
            if name.startswith(f"{config.stage}.") and not parameter.requires_grad
        }
        self.optimizer = _optimizer(config, self.trainable)
        self.average = AveragedModel(self.stage, accelerator.device, multi_avg_fn=self._ema_update)
        # The first update copies the weights instead of averaging them.
        self.average.update_parameters(self.stage)

    def prepare(self, resume: bool) -> None:
        """Open the folder, load its checkpoint if asked to, and move everything to the device."""
        path = self.folder / CHECKPOINT
        self.folder.mkdir(parents=True, exist_ok=True)
        if not resume and path.exists():
            raise ValueError(
                f"{self.folder} holds a run already; resume it with --resume or choose another."
            )
        if resume:
            self._restore(path)
        self.model, self.optimizer = self.accelerator.prepare(self.stage, self.optimizer)

    def _restore(self, path: Path) -> None:
        tensors, saved, self.step = load_checkpoint(path)
        same = replace(saved, **{name: getattr(self.config, name) for name in CHANGEABLE})
        if same != self.config:
            raise ValueError(
                f"{path} was trained with another config; only {', '.join(sorted(CHANGEABLE))} "
                f"may change. It was: {saved}."
            )
        averaged = dict(self.average.module.named_parameters())
        shapes = {
            f"{part}.{name}": tuple(value.shape)
            for part, values in (
                ("model", self.trainable),
                ("average", self.trainable),
                ("fixed", self.frozen),
            )
            for name, value in values.items()
        }
        check_names(tensors, shapes, path)
        with torch.no_grad():
            for name, value in self.trainable.items():
                value.copy_(tensors[f"model.{name}"])
                averaged[name].copy_(tensors[f"average.{name}"])
            for name, value in self.frozen.items():
                value.copy_(tensors[f"fixed.{name}"])
                averaged[name].copy_(tensors[f"fixed.{name}"])
        if self.step:
            restore_optimizer(self.optimizer, list(self.trainable), tensors, str(path))
        if self.accelerator.is_main_process:
            truncate_log(self.folder / LOG, self.step)

    def loop(self, progress: Progress) -> None:
        """Train until the last step."""
        config, saved = self.config, time.monotonic()
        losses: list[dict[str, Tensor]] = []
        started = time.monotonic()
        for batch in self._batches():
            losses.append(self._train_step(batch))
            if self.step % LOG_STEPS == 0:
                self._log_losses(losses, started)
                losses, started = [], time.monotonic()
            if self.step % config.probe_steps == 0 or self.step == config.steps:
                self._probe()
            if time.monotonic() - saved > config.save_seconds:
                self.save()
                saved = time.monotonic()
            progress(self.step, config.steps)

    def _batches(self) -> DataLoader:
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        return DataLoader(
            SceneBatches(self.config, rank, world),
            batch_size=None,
            sampler=range(self.step, self.config.steps),
            num_workers=self.config.workers,
            worker_init_fn=_use_one_thread,
            generator=torch.Generator().manual_seed(self.config.seed),
            prefetch_factor=8 if self.config.workers else None,
        )

    def _train_step(self, batch: Batch) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, self.step)
        losses = self.model(batch.to(self.accelerator.device))
        self.optimizer.zero_grad()
        self.accelerator.backward(losses["loss"])
        self.accelerator.clip_grad_norm_(self.trainable.values(), self.config.clip)
        self.is_updating = True
        self.optimizer.step()
        self.average.update_parameters(self.stage)
        self.step += 1
        self.is_updating = False
        return {name: value.detach() for name, value in losses.items()}

    def _ema_update(self, averaged: Any, current: Any, _: Any) -> None:
        get_ema_multi_avg_fn(ema_decay_at(self.config, self.step))(averaged, current, _)

    def _log_losses(self, losses: list[dict[str, Tensor]], started: float) -> None:
        means = {
            name: float(torch.stack([step[name] for step in losses]).mean()) for name in losses[0]
        }
        spent = (time.monotonic() - started) / len(losses)
        self._log({"step": self.step, "seconds_per_step": round(spent, 3), **means})

    def _probe(self) -> None:
        """Log the validation errors of the averaged weights."""
        if not self.accelerator.is_main_process:
            return
        errors = probe_stage(cast(Stage, self.average.module), self.config)
        self._log({"step": self.step, "probe": errors})

    def _log(self, line: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            logger.info("%s", line)
            append_line(self.folder / LOG, line)

    def save(self) -> None:
        """Write the checkpoint, unless an exception has left the weights between two steps."""
        if not self.accelerator.is_main_process:
            return
        if self.is_updating:
            logger.warning("stopped within an update; the checkpoint before it stays.")
            return
        tensors = {f"model.{name}": value for name, value in self.trainable.items()}
        averaged = dict(self.average.module.named_parameters())
        tensors |= {f"average.{name}": averaged[name] for name in self.trainable}
        tensors |= {f"fixed.{name}": value for name, value in self.frozen.items()}
        tensors |= optimizer_tensors(self.optimizer, list(self.trainable))
        save_checkpoint(self.folder / CHECKPOINT, tensors, self.config, self.step)


def _optimizer(config: TrainConfig, trainable: dict[str, nn.Parameter]) -> torch.optim.Optimizer:
    if config.optimizer == "adafactor":
        return torch.optim.Adafactor(trainable.values(), lr=config.lr)
    return torch.optim.AdamW(
        trainable.values(), lr=config.lr, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )


def _use_one_thread(_: int) -> None:
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
