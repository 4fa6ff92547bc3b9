"""The training loop of every task, on CPU, one GPU or several."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..file_lock import file_lock
from ..progress import Progress, silent
from .checkpoint import (
    check_names,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from .config import RunConfig, ema_decay_at, learning_rate_at
from .log import append_line, truncate_log
from .stop import StopSignal, stop_signal
from .tensorboard import ScalarLog

LOG_STEPS = 25
LOG, CHECKPOINT, LOCK = "log.jsonl", "checkpoint.safetensors", "run.lock"
# After a run is killed, its worker processes still hold its lock until they notice: 5 s in torch.
LOCK_SECONDS = 10.0

logger = logging.getLogger(__name__)


class DivergedError(ValueError):
    """A gradient is not finite; the message says in which step and what to do."""


class Batch(Protocol):
    """Samples that go through the model together."""

    def to(self, device: torch.device) -> Any:
        """The same on another device."""
        ...


class Task(Protocol):
    """What a run trains, and on what.

    Attributes:
        config: Of the run.
        module: Its forward takes a batch and returns losses, of which "loss" is minimised.
        trained: The part of the module that is averaged and saved. Those of its parameters that
            require gradients are trained.
        exported: Prefix of those parameters of `trained` that are exported though not trained.
        unused_parameters: Whether a batch may leave trained parameters without a gradient.
        tensorboard: Whether the log is also written for TensorBoard.
        sharded: Whether all processes have to take part in a probe.
    """

    config: Any
    module: nn.Module
    trained: nn.Module
    exported: str
    unused_parameters: bool
    tensorboard: bool
    sharded: bool

    def read_config(self, values: dict[str, Any]) -> Any:
        """The config of a checkpoint from its values. Raises ValueError."""
        ...

    def batches(self, first: int, rank: int, world: int) -> Iterable[Sequence[Batch]]:
        """The batches of each step from `first` on, for process `rank` of `world`.

        They are a function of the step, so that a run can be resumed anywhere. The gradients of
        the batches of one step are averaged.
        """
        ...

    def probe(self, averaged: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Validation errors of averaged weights by name; none where there is nothing to probe.

        Args:
            averaged: Like `trained`.
            folder: Of the run.
            step: Steps taken.
        """
        ...


def run_task(
    task: Task, folder: Path, *, resume: bool = False, progress: Progress = silent
) -> Path:
    """Run or resume a training.

    A run that was interrupted and resumed gives the same weights as one that was not. SIGTERM ends
    it after the step at hand, with a checkpoint, by a KeyboardInterrupt.

    Args:
        task: What is trained.
        folder: Receives checkpoint.safetensors and log.jsonl, and run.lock, which keeps a second
            run out while this one works.
        resume: Continue from the folder's checkpoint. Only the values in CHANGEABLE may differ from
            the config of the checkpoint.
        progress: Called once per step. It may raise to stop; a checkpoint is written first.

    Returns:
        The path of the last checkpoint.

    Raises:
        ValueError: The folder holds a run already, another process trains in it, or its config is
            another.
        DivergedError: A gradient is not finite. The checkpoint holds the weights before it.
        FileNotFoundError, FormatError: See `load_checkpoint`.
        OSError: The last checkpoint cannot be written.
    """
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    handler = DistributedDataParallelKwargs(find_unused_parameters=task.unused_parameters)
    accelerator = Accelerator(kwargs_handlers=[handler])
    check_launch(str(accelerator.distributed_type))
    run = _Run(task, folder, accelerator)
    with run.locked(), stop_signal() as signal:
        run.prepare(resume)
        try:
            run.loop(progress, signal)
        finally:
            run.save()
            if run.scalars is not None:
                run.scalars.close()
    return folder / CHECKPOINT


def check_launch(kind: str) -> None:
    """Raises ValueError for a kind of `accelerate launch` that would take the weights apart.

    Checkpoints hold whole weights and a whole state of the optimizer, so that a run can be resumed
    with another number of processes.
    """
    if kind.rpartition(".")[2] in ("FSDP", "DEEPSPEED", "MEGATRON_LM", "TP"):
        raise ValueError(
            f"accelerate was configured for {kind.rpartition('.')[2]}; configure it for several "
            "processes (MULTI_GPU) instead. --set shard=base spreads the weights of a large base "
            "over them, see docs/training-track-controlnet.md."
        )


def is_first_process() -> bool:
    """Whether this is the one process of `accelerate launch` that writes files."""
    from accelerate import PartialState

    return PartialState().is_main_process


def leave_together() -> None:
    """End the processes of `accelerate launch` after a run; returns where there is one process.

    A process that just exits closes connections that another may still read from, and that one then
    fails. And a thread of gloo that runs while the interpreter is taken down kills the process
    ("terminate called without an active exception"); wrapped models and torch's own caches keep
    such threads alive. So the processes wait for each other and then end at once. To be called by
    all of them, when everything is written, and only where none has failed.
    """
    from accelerate import PartialState

    state = PartialState()
    if state.num_processes > 1:
        state.wait_for_everyone()
        state.destroy_process_group()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


class _Run:
    """A model, its moving average, its optimizer and the number of steps they have taken."""

    def __init__(self, task: Task, folder: Path, accelerator: Any) -> None:
        self.task, self.folder, self.accelerator = task, folder, accelerator
        self.config: RunConfig = task.config
        self.step = 0
        self.is_updating = False
        parameters = dict(task.trained.named_parameters())
        self.trainable = {name: one for name, one in parameters.items() if one.requires_grad}
        # Parameters that are not trained but exported with those that are.
        self.frozen = {
            name: one
            for name, one in parameters.items()
            if name.startswith(task.exported) and not one.requires_grad
        }
        self.optimizer = _optimizer(self.config, self.trainable)
        self.average = AveragedModel(
            task.trained, accelerator.device, multi_avg_fn=self._ema_update
        )
        self.scalars: ScalarLog | None = None
        # The first update copies the weights instead of averaging them.
        self.average.update_parameters(task.trained)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The folder is created, and this run's alone. Raises ValueError if it is another's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            is_taken = False
            if self.accelerator.is_main_process:
                try:
                    held.enter_context(file_lock(self.folder / LOCK, LOCK_SECONDS))
                except BlockingIOError:
                    is_taken = True
            if self._is_any(is_taken):
                raise ValueError(
                    f"another process trains in {self.folder}; stop it first or choose another "
                    "folder."
                )
            yield

    def prepare(self, resume: bool) -> None:
        """Load the folder's checkpoint if asked to, and move everything to the device."""
        path = self.folder / CHECKPOINT
        if not resume and path.exists():
            raise ValueError(
                f"{self.folder} holds a run already; resume it with --resume or choose another."
            )
        if resume:
            self._restore(path)
        if self.task.tensorboard and self.accelerator.is_main_process:
            self.scalars = ScalarLog(self.folder, self.step)
        self.model, self.optimizer = self.accelerator.prepare(self.task.module, self.optimizer)

    def _restore(self, path: Path) -> None:
        tensors, saved, self.step = load_checkpoint(path, self.task.read_config)
        changeable = self.config.CHANGEABLE
        same = replace(saved, **{name: getattr(self.config, name) for name in changeable})
        if same != self.config:
            raise ValueError(_other_config(path, asdict(same), asdict(self.config), changeable))
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

    def loop(self, progress: Progress, signal: StopSignal) -> None:
        """Train until the last step. Raises KeyboardInterrupt after a signal to stop."""
        config, saved = self.config, time.monotonic()
        losses: list[dict[str, Tensor]] = []
        started = time.monotonic()
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        for parts in self.task.batches(self.step, rank, world):
            losses.append(self._train_step(parts))
            if self.step % LOG_STEPS == 0:
                self._log_losses(losses, started)
                losses, started = [], time.monotonic()
            if self.step % config.probe_steps == 0 or self.step == config.steps:
                self._probe()
            if time.monotonic() - saved > config.save_seconds:
                self._or_warn(self.save)
                saved = time.monotonic()
            progress(self.step, config.steps)
            if self._is_any(signal.is_set):
                raise KeyboardInterrupt

    def _train_step(self, parts: Sequence[Batch]) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, self.step)
        self.optimizer.zero_grad()
        losses = [self._backward(part, len(parts), part is parts[-1]) for part in parts]
        norm = self.accelerator.clip_grad_norm_(self.trainable.values(), self.config.clip)
        means = {name: torch.stack([one[name] for one in losses]).mean() for name in losses[0]}
        if not bool(torch.isfinite(norm)):
            raise DivergedError(
                f"the gradient of step {self.step + 1} is not finite (loss "
                f"{float(means['loss']):g}); {self.folder / CHECKPOINT} holds the weights before "
                "it. Look at the samples of that step, or resume with a lower lr."
            )
        self.is_updating = True
        self.optimizer.step()
        self.average.update_parameters(self.task.trained)
        self.step += 1
        self.is_updating = False
        return means

    def _backward(self, part: Batch, count: int, is_last: bool) -> dict[str, Tensor]:
        """The losses of one batch of `count`; their gradient is added to that of the step."""
        with nullcontext() if is_last else self.accelerator.no_sync(self.model):
            losses = self.model(part.to(self.accelerator.device))
            self.accelerator.backward(losses["loss"] / count)
        return {name: value.detach() for name, value in losses.items()}

    def _ema_update(self, averaged: Any, current: Any, _: Any) -> None:
        get_ema_multi_avg_fn(ema_decay_at(self.config, self.step))(averaged, current, _)

    def _is_any(self, flag: bool) -> bool:
        """Whether a flag is set in any process, so that all of them stop at the same place."""
        if self.accelerator.num_processes == 1:
            return flag
        count = torch.tensor(float(flag), device=self.accelerator.device)
        return bool(self.accelerator.reduce(count, "sum") > 0)

    def _log_losses(self, losses: list[dict[str, Tensor]], started: float) -> None:
        means = {
            name: float(torch.stack([step[name] for step in losses]).mean()) for name in losses[0]
        }
        spent = (time.monotonic() - started) / len(losses)
        self._log({"step": self.step, "seconds_per_step": round(spent, 3), **means})

    def _probe(self) -> None:
        """Log the validation errors of the averaged weights."""
        if not (self.task.sharded or self.accelerator.is_main_process):
            return
        errors = self.task.probe(self.average.module, self.folder, self.step)
        if errors:
            self._log({"step": self.step, "probe": errors})

    def _log(self, line: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            logger.info("%s", line)
            self._or_warn(lambda: append_line(self.folder / LOG, line))
            if self.scalars is not None:
                scalars = self.scalars
                self._or_warn(lambda: scalars.add(line))

    def _or_warn(self, write: Callable[[], None]) -> None:
        """Write; a full disk does not end the run, because room may come before the next time."""
        try:
            write()
        except OSError as error:
            logger.warning("step %d: %s; what was there before stays.", self.step, error)

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


def _optimizer(config: RunConfig, trainable: dict[str, nn.Parameter]) -> torch.optim.Optimizer:
    if config.optimizer == "adafactor":
        return torch.optim.Adafactor(trainable.values(), lr=config.lr)
    return torch.optim.AdamW(
        trainable.values(), lr=config.lr, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )


def _other_config(
    path: Path, saved: dict[str, Any], wanted: dict[str, Any], changeable: Iterable[str]
) -> str:
    changed = [
        f"{name} was {saved[name]!r} and is {wanted[name]!r}"
        for name in saved
        if saved[name] != wanted[name]
    ]
    return (
        f"{path} was trained with another config; only {', '.join(sorted(changeable))} may change: "
        f"{'; '.join(changed)}."
    )
