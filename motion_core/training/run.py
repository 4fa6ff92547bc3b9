"""The training loop: one for every stage, on CPU, one GPU or many."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from ..atomic_write import write_text
from ..progress import Progress, silent
from .checkpoint import load_checkpoint, optimizer_tensors, restore_optimizer, save_checkpoint
from .config import TrainConfig, ema_decay_at, learning_rate_at
from .lite.data import Batch, SceneBatches
from .lite.stages import Stage, make_stage, probe_stage

LOG_STEPS = 25
LOG, CHECKPOINT = "log.jsonl", "checkpoint.safetensors"

logger = logging.getLogger(__name__)


def train(
    config: TrainConfig, folder: Path, *, resume: bool = False, progress: Progress = silent
) -> Path:
    """Run or continue a training, and return its last checkpoint.

    folder: receives checkpoint.safetensors and log.jsonl. resume: go on from its checkpoint; the
    config may then differ in steps, workers and how often to save and probe, and everything else
    must be as it was. A run that was interrupted and continued gives the same weights as one
    that was not. `progress` is called per step and may raise to stop; a checkpoint is written
    first. Raises ValueError, OSError and FormatError as load_checkpoint does.
    """
    from accelerate import Accelerator

    run = _Run(config, folder, Accelerator())
    run.open(resume)
    try:
        run.loop(progress)
    finally:
        run.save()
    return folder / CHECKPOINT


def is_first_process() -> bool:
    """Of those that `accelerate launch` has started, the one that writes files."""
    from accelerate import PartialState

    return PartialState().is_main_process


class _Run:
    """A model, its moving average, its optimizer and the number of steps they have taken."""

    def __init__(self, config: TrainConfig, folder: Path, accelerator: Any) -> None:
        self.config, self.folder, self.accelerator = config, folder, accelerator
        self.step = 0
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self.stage: Stage = make_stage(config)
        # With channels last a step of the base takes a fifth less time on a CPU.
        self.stage.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.learned = {n: p for n, p in self.stage.named_parameters() if p.requires_grad}
        # What belongs to the stage's part and stays as it is: the start's, and shipped with it.
        part = [n for n, _ in self.stage.named_parameters() if n.startswith(f"{config.stage}.")]
        self.fixed = {n: self.stage.get_parameter(n) for n in part if n not in self.learned}
        self.optimizer = _optimizer(config, self.learned)
        self.average = AveragedModel(self.stage, accelerator.device, multi_avg_fn=self._ema_update)
        # The first update copies the weights instead of averaging them.
        self.average.update_parameters(self.stage)

    def open(self, resume: bool) -> None:
        path = self.folder / CHECKPOINT
        self.folder.mkdir(parents=True, exist_ok=True)
        if not resume and path.exists():
            raise ValueError(
                f"{self.folder} holds a run already; continue it with --resume or choose another."
            )
        if resume:
            self._restore(path)
        self.model, self.optimizer = self.accelerator.prepare(self.stage, self.optimizer)

    def _restore(self, path: Path) -> None:
        tensors, was, self.step = load_checkpoint(path)
        free = {"steps", "workers", "save_seconds", "probe_steps", "probe_scenes"}
        same = replace(was, **{name: getattr(self.config, name) for name in free})
        if same != self.config:
            raise ValueError(
                f"{path} was trained with another config; only {', '.join(sorted(free))} may "
                f"change. It was: {was}."
            )
        averaged = dict(self.average.module.named_parameters())
        with torch.no_grad():
            for name, value in self.learned.items():
                value.copy_(tensors[f"model.{name}"])
                averaged[name].copy_(tensors[f"average.{name}"])
            for name, value in self.fixed.items():
                value.copy_(tensors[f"fixed.{name}"])
                averaged[name].copy_(tensors[f"fixed.{name}"])
        restore_optimizer(self.optimizer, tensors)
        if self.accelerator.is_main_process:
            _forget_after(self.folder / LOG, self.step)

    def loop(self, progress: Progress) -> None:
        config, saved = self.config, time.monotonic()
        losses: list[dict[str, Tensor]] = []
        started = time.monotonic()
        for batch in self._batches():
            losses.append(self._learn(batch))
            self.step += 1
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
            worker_init_fn=_one_thread,
            generator=torch.Generator().manual_seed(self.config.seed),
            prefetch_factor=8 if self.config.workers else None,
        )

    def _learn(self, batch: Batch) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, self.step)
        losses = self.model(batch.to(self.accelerator.device))
        self.optimizer.zero_grad()
        self.accelerator.backward(losses["loss"])
        self.accelerator.clip_grad_norm_(self.learned.values(), self.config.clip)
        self.optimizer.step()
        self.average.update_parameters(self.stage)
        return {name: value.detach() for name, value in losses.items()}

    def _ema_update(self, averaged: Any, current: Any, _: Any) -> None:
        get_ema_multi_avg_fn(ema_decay_at(self.config, self.step))(averaged, current, _)

    def _log_losses(self, losses: list[dict[str, Tensor]], started: float) -> None:
        means = {
            name: float(torch.stack([one[name] for one in losses]).mean()) for name in losses[0]
        }
        spent = (time.monotonic() - started) / len(losses)
        self._log({"step": self.step, "seconds_per_step": round(spent, 3), **means})

    def _probe(self) -> None:
        """Measure the averaged weights on validation scenes."""
        if not self.accelerator.is_main_process:
            return
        errors = probe_stage(self.average.module, self.config)
        self._log({"step": self.step, "probe": errors})

    def _log(self, line: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            logger.info("%s", line)
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Write the checkpoint."""
        if not self.accelerator.is_main_process:
            return
        tensors = {f"model.{name}": value for name, value in self.learned.items()}
        averaged = dict(self.average.module.named_parameters())
        tensors |= {f"average.{name}": averaged[name] for name in self.learned}
        tensors |= {f"fixed.{name}": value for name, value in self.fixed.items()}
        tensors |= optimizer_tensors(self.optimizer)
        save_checkpoint(self.folder / CHECKPOINT, tensors, self.config, self.step)


def _forget_after(log: Path, step: int) -> None:
    """Drop the lines of steps that a run was interrupted before it could save."""
    if not log.exists():
        return
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = "".join(line for line in lines if json.loads(line)["step"] <= step)
    write_text(log, kept)


def _optimizer(config: TrainConfig, learned: dict[str, nn.Parameter]) -> torch.optim.Optimizer:
    if config.optimizer == "adafactor":
        return torch.optim.Adafactor(learned.values(), lr=config.lr)
    return torch.optim.AdamW(
        learned.values(), lr=config.lr, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )


def _one_thread(_: int) -> None:
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
