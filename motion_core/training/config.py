"""One dataclass says everything about a training run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..models.lite.track_controlnet import INPUTS
from ..models.lite.weights import RENAMED_INPUTS
from ..tracks.arguments import whole_number

STAGES = ("encoder", "base", "control")
REGIMES = ("mixed", "dense", "sparse", "dense+sparse")


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    stage:   encoder (the control encoder), base (motion without tracks) or control (on the base).
    regime:  which tracks are drawn: mixed (what people draw, see draws.py), dense, sparse (1..8),
             dense+sparse (log-uniform).
    steps:   of the whole run; the learning rate falls over its last `cooldown` fraction.
    cells:   places per scene at which the encoder's loss is taken.
    reuse:   how often a scene is shown, each time turned another way and with other tracks.
    input:   of the control branch: tracks (maps of the tracks) or region (MotionPro's maps).
    start:   a weights file with what a stage builds on (base: how the encoder reads pictures;
             control: encoder and base); "" for the file that is shipped. An encoder goes on from
             the one in it and sees pictures as that one does; "" begins anew.
    ema:     decay of the averaged weights, which are what is shipped.
    save_seconds, probe_steps: how often to write a checkpoint, and to measure.

    Raises ValueError for what makes no sense.
    """

    stage: str = "encoder"
    regime: str = "mixed"
    input: str = "tracks"
    start: str = ""
    steps: int = 5000
    batch: int = 8
    cells: int = 512
    frames: int = 16
    lr: float = 2.5e-3
    weight_decay: float = 0.01
    warmup: int = 50
    cooldown: float = 0.5
    clip: float = 1.0
    ema: float = 0.998
    optimizer: str = "adamw"
    block: int = 192
    reuse: int = 4
    seed: int = 0
    workers: int = 1
    save_seconds: float = 180.0
    probe_steps: int = 250
    probe_scenes: int = 32

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "cells", "frames", "block", "reuse", "probe_steps"):
            whole_number(f"TrainConfig.{name}", getattr(self, name), least=1)
        for name, choices in (
            ("stage", STAGES),
            ("regime", REGIMES),
            ("input", INPUTS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of: {', '.join(choices)}; got {getattr(self, name)!r}."
                )
        if self.optimizer not in ("adamw", "adafactor"):
            raise ValueError(f"optimizer must be adamw or adafactor; got {self.optimizer!r}.")
        if self.frames < 2:
            raise ValueError("motion needs at least 2 frames.")
        if self.block * self.reuse % self.batch:
            raise ValueError(
                f"block * reuse ({self.block * self.reuse}) must be a multiple of batch "
                f"({self.batch}), so that every batch comes from one block."
            )

    def to_json(self) -> str:
        """The run as text."""
        return json.dumps(asdict(self), indent=2)


def config_from(values: dict[str, Any]) -> TrainConfig:
    """A config from a dict, as json.loads gives it; older names of `input` are read as today's.

    Raises ValueError for unknown names.
    """
    unknown = set(values) - {field.name for field in fields(TrainConfig)}
    if unknown:
        raise ValueError(f"a training config has no {', '.join(sorted(unknown))}.")
    if "input" in values:
        values = {**values, "input": RENAMED_INPUTS.get(values["input"], values["input"])}
    return replace(TrainConfig(), **values)


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate of a step: a warm-up, a plateau, and a cosine down to 2 percent."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    start = config.steps * (1 - config.cooldown)
    if step < start:
        return config.lr
    done = min(1.0, (step - start) / max(1.0, config.steps - start))
    return config.lr * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def ema_decay_at(config: TrainConfig, step: int) -> float:
    """The decay of the averaged weights in a step: 0.1 in the first, rising to `config.ema`.

    Early weights leave the average quickly, as in diffusers' EMAModel.
    """
    return min(config.ema, (1 + step) / (10 + step))
