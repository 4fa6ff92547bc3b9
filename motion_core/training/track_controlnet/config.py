"""The config of the training of a Track-ControlNet; its defaults are Motion Prompting's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import OPTIMIZERS, RunConfig
from .draws import REGIMES, TrackDraw

PRECISIONS = ("float32", "bfloat16")
SHARDS = ("none", "base")
FRACTIONS = ("no_tracks", "sparse_time", "no_text", "first_frame_noise")


@dataclass(frozen=True)
class TrackControlNetConfig(RunConfig):
    """A training run of a Track-ControlNet. Raises ValueError for values out of range.

    Optimizer, learning rate, steps and number of tracks are Motion Prompting's (appendix A.1):
    Adafactor, 1e-4 constant, 70,000 steps, 1000..2000 tracks.

    Attributes:
        batch: Clips that go through the model together.
        accumulation: Batches per step and process, whose gradients are averaged.
        regime, no_tracks, sparse_time: See TrackDraw.
        no_text: Fraction of the clips that are shown without their caption, so that text guidance
            has a branch without text.
        first_frame_noise: Largest standard deviation of noise on the image that the base is given,
            in units of 0..1; that of a clip is uniform from 0 to it.
        frames: Of a clip that are trained on, at a random place; 0 for as many as base and clip
            allow.
        steps_schedule: 0 for noise levels as the base was trained on; N for those of a sampler of N
            steps alone, for a base that is sampled in few steps.
        probe_clips: Held-out clips of a probe.
        sample_clips: Of these, how many are also sampled, with and without their tracks.
        sampler_steps: Of sampling; 0 for the model's own number.
        precision: float32, or bfloat16: matrix products of base and branch are computed in it
            (autocast); weights, gradients and optimizer of the branch stay float32.
        checkpointing: Compute activations again in the backward pass instead of keeping them.
        shard: none, or base: every process keeps a part of the base's weights only.
        tensorboard: Also write the log for TensorBoard.
        base, data: Digests of the base and of the clips, which a run notes for when it is resumed.
    """

    CHANGEABLE: ClassVar[frozenset[str]] = RunConfig.CHANGEABLE | {
        *(
            "lr",
            "clip",
            "probe_clips",
            "sample_clips",
            "sampler_steps",
            "checkpointing",
            "shard",
            "tensorboard",
        )
    }
    COUNTS: ClassVar[tuple[str, ...]] = (*RunConfig.COUNTS, "accumulation", "probe_clips")
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "regime": REGIMES,
        "optimizer": OPTIMIZERS,
        "precision": PRECISIONS,
        "shard": SHARDS,
    }

    steps: int = 70_000
    batch: int = 1
    lr: float = 1e-4
    warmup: int = 0
    cooldown: float = 0.0
    optimizer: str = "adafactor"
    save_seconds: float = 900.0
    probe_steps: int = 1000
    accumulation: int = 1
    regime: str = "dense"
    no_tracks: float = 0.0
    sparse_time: float = 0.0
    no_text: float = 0.1
    first_frame_noise: float = 0.0
    frames: int = 0
    steps_schedule: int = 0
    probe_clips: int = 16
    sample_clips: int = 0
    sampler_steps: int = 0
    precision: str = "float32"
    checkpointing: bool = False
    shard: str = "none"
    tensorboard: bool = False
    base: str = ""
    data: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in FRACTIONS:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0..1; got {getattr(self, name)}.")
        for name in ("frames", "steps_schedule", "sample_clips", "sampler_steps"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more; got {getattr(self, name)}.")

    def track_draw(self) -> TrackDraw:
        """How tracks are drawn."""
        return TrackDraw(self.regime, self.no_tracks, self.sparse_time)
