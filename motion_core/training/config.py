"""The config of a training run, its learning rate and its averaging."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

from ..models.lite.track_controlnet import INPUTS
from ..models.lite.weights import RENAMED_INPUTS
from ..tracks.arguments import whole_number

STAGES = ("encoder", "base", "control")
REGIMES = ("mixed", "dense", "sparse", "dense+sparse")
OPTIMIZERS = ("adamw", "adafactor")
# Of steps, scenes, frames and cells.
MAX_COUNT = 10**9


@dataclass(frozen=True)
class RunConfig:
    """What every training run is configured by. Raises ValueError for values out of range.

    Attributes:
        steps: Length of the whole run.
        batch: Samples per step and process.
        lr, warmup, cooldown: Highest learning rate, steps until it is reached, and the fraction of
            the run over which it falls; see `learning_rate_at`.
        weight_decay: Of AdamW.
        clip: Largest norm of the gradient.
        ema: Decay of the averaged weights, which are exported; see `ema_decay_at`.
        optimizer: adamw or adafactor.
        seed: Of everything random.
        workers: Processes that prepare samples.
        save_seconds: Time between checkpoints.
        probe_steps: Steps between probes.
    """

    # Values that may change when a run is resumed.
    CHANGEABLE: ClassVar[frozenset[str]] = frozenset(
        {"steps", "workers", "save_seconds", "probe_steps"}
    )
    COUNTS: ClassVar[tuple[str, ...]] = ("steps", "batch", "probe_steps")
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"optimizer": OPTIMIZERS}

    steps: int = 5000
    batch: int = 8
    lr: float = 2.5e-3
    weight_decay: float = 0.01
    warmup: int = 50
    cooldown: float = 0.5
    clip: float = 1.0
    ema: float = 0.998
    optimizer: str = "adamw"
    seed: int = 0
    workers: int = 1
    save_seconds: float = 180.0
    probe_steps: int = 250

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), type(field.default))
        for name in self.COUNTS:
            label = f"{type(self).__name__}.{name}"
            whole_number(label, getattr(self, name), least=1, most=MAX_COUNT)
        for name, choices in self.CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of: {', '.join(choices)}; got {getattr(self, name)!r}."
                )

    def to_json(self) -> str:
        """The config as JSON."""
        return json.dumps(asdict(self), indent=2)


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """A training run of lite. Raises ValueError for values out of range.

    Attributes:
        stage: encoder (dense motion from tracks), base (motion without tracks) or control (tracks
            on a frozen base).
        regime: Distribution of the tracks: mixed, dense, sparse or dense+sparse; see
            training/lite/regimes.py.
        input: What the control branch reads: tracks (rasterized tracks) or region (MotionPro's
            region-wise maps).
        start: Weights file a stage builds on. base copies its image encoder, control uses its
            encoder and base, encoder continues from its encoder. "" is the shipped file; for
            encoder it is a random initialisation.
        cells: Grid cells per scene at which the encoder's loss is taken.
        frames: T, at least 2.
        block: Scenes that are kept in memory and reused.
        reuse: How often a scene of a block is used, each time with other tracks and another
            augmentation.
        probe_scenes: Validation scenes of a probe.
        real: Folder of real clips (training/lite/real_clips.py), or "" for procedural scenes alone.
        real_textures, real_motion: Fractions of the samples that are scenes composed of real
            pictures, and real clips themselves; the others are procedural. 0 without `real`.
    """

    CHANGEABLE: ClassVar[frozenset[str]] = RunConfig.CHANGEABLE | {"probe_scenes"}
    COUNTS: ClassVar[tuple[str, ...]] = (*RunConfig.COUNTS, "cells", "frames", "block", "reuse")
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "stage": STAGES,
        "regime": REGIMES,
        "input": INPUTS,
        "optimizer": OPTIMIZERS,
    }

    stage: str = "encoder"
    regime: str = "mixed"
    input: str = "tracks"
    start: str = ""
    cells: int = 512
    frames: int = 16
    block: int = 192
    reuse: int = 4
    probe_scenes: int = 32
    real: str = ""
    real_textures: float = 0.0
    real_motion: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_real()
        if self.frames < 2:
            raise ValueError(f"motion needs at least 2 frames; got {self.frames}.")
        if self.block * self.reuse % self.batch:
            raise ValueError(
                f"block * reuse ({self.block * self.reuse}) must be a multiple of batch "
                f"({self.batch}), so that every batch comes from one block."
            )

    def _check_real(self) -> None:
        shares = (self.real_textures, self.real_motion)
        if min(shares) < 0 or sum(shares) > 1:
            raise ValueError(
                "real_textures and real_motion must be fractions that sum to at most 1; got "
                f"{self.real_textures:g} and {self.real_motion:g}."
            )
        if bool(self.real) != (sum(shares) > 0):
            raise ValueError(
                "real, a folder of clips, needs real_textures or real_motion above 0, and they "
                f"need real; got real={self.real!r:.60}, {self.real_textures:g} and "
                f"{self.real_motion:g}."
            )
        if self.real_motion and self.stage != "encoder":
            raise ValueError(
                "real clips show no motion behind other things, which "
                f"{self.stage} learns from; set real_motion=0, or train the encoder."
            )


Config = TypeVar("Config", bound=RunConfig)


def _check_type(name: str, value: Any, kind: type) -> None:
    if kind is float and type(value) is int:
        return
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise ValueError(f"TrainConfig.{name} must be a finite {kind.__name__}; got {value!r:.60}.")


def config_from(values: dict[str, Any]) -> TrainConfig:
    """A config of lite, as json.loads gives it; older names of `input` are read as today's.

    Raises ValueError for unknown names.
    """
    if "input" in values:
        values = {**values, "input": RENAMED_INPUTS.get(values["input"], values["input"])}
    return parse_values(values, TrainConfig)


def parse_values(values: dict[str, Any], kind: type[Config]) -> Config:
    """A config of a kind from a dict, as json.loads gives it.

    Raises ValueError for unknown names.
    """
    unknown = set(values) - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"a training config has no {', '.join(sorted(unknown))}.")
    return replace(kind(), **values)


def learning_rate_at(config: RunConfig, step: int) -> float:
    """The learning rate of a step: a linear warm-up, a plateau, and a cosine down to 2 %."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    start = config.steps * (1 - config.cooldown)
    if step < start:
        return config.lr
    done = min(1.0, (step - start) / max(1.0, config.steps - start))
    return config.lr * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def ema_decay_at(config: RunConfig, step: int) -> float:
    """The decay of the averaged weights in a step: 0.1 in the first, rising to `config.ema`.

    Early weights leave the average quickly, as in diffusers' EMAModel.
    """
    return min(config.ema, (1 + step) / (10 + step))
