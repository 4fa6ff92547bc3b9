"""Trains the LoRA of one motion on Image Conductor's flow network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from torch import Tensor, nn

from ...progress import Progress, silent
from ..config import parse_values
from ..run import run_task
from ..track_controlnet.batches import ClipBatch
from ..track_controlnet.clips import ClipSource
from ..track_controlnet.config import TrackControlNetConfig
from ..track_controlnet.task import ControlledBase, TrackControlNetTask
from .base import MOTIONS, ImageConductorBase
from .lora import TrainedLora, overlap, printed_orthogonality

ORTHOGONALITIES = {"overlap": overlap, "printed": printed_orthogonality}


@dataclass(frozen=True)
class MotionLoraConfig(TrackControlNetConfig):
    """A training run of a LoRA. Raises ValueError for values out of range.

    Attributes:
        motion: camera, on clips in which only the camera moves, or object, on all clips.
        rank: Of the LoRA; that of the released ones is 64.
        orthogonal: Factor on what keeps an object's LoRA apart from the camera's.
        orthogonality: What that is: `overlap` of what both read, or `printed`, Eq. 4 of the paper;
            see `overlap` and `printed_orthogonality`.
    """

    COUNTS: ClassVar[tuple[str, ...]] = (*TrackControlNetConfig.COUNTS, "rank")
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        **TrackControlNetConfig.CHOICES,
        "motion": MOTIONS,
        "orthogonality": tuple(ORTHOGONALITIES),
    }

    regime: str = "sparse"
    motion: str = "camera"
    rank: int = 64
    orthogonal: float = 0.1
    orthogonality: str = "overlap"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.orthogonal < 0:
            raise ValueError(f"orthogonal must be 0 or more; got {self.orthogonal}.")


def read_config(values: dict[str, Any]) -> MotionLoraConfig:
    """A config from the values of a checkpoint. Raises ValueError."""
    return parse_values(values, MotionLoraConfig)


class MotionLoraOnBase(ControlledBase):
    """Image Conductor with a LoRA that is trained, and its loss."""

    orthogonal: float = 0.0
    orthogonality: str = "overlap"

    def forward(self, batch: ClipBatch) -> dict[str, Tensor]:
        """The mean loss of the clips, plus `orthogonal` times what keeps the two LoRA apart.

        The camera's is trained alone and has nothing to be orthogonal to.
        """
        losses = super().forward(batch)
        camera = cast(ImageConductorBase, self.base).camera
        if not camera:
            return losses
        pairs, noise = cast(TrainedLora, self.control).pairs(), losses["loss"]
        kept_apart = ORTHOGONALITIES[self.orthogonality](pairs, camera)
        found = {"loss": noise + self.orthogonal * kept_apart, "noise": noise}
        return found | {self.orthogonality: kept_apart}


class MotionLoraTask(TrackControlNetTask):
    """A Task: a new LoRA on Image Conductor."""

    def __init__(
        self,
        config: MotionLoraConfig,
        base: ImageConductorBase,
        clips: ClipSource,
        held_out: ClipSource | None = None,
    ) -> None:
        super().__init__(config, base, clips, held_out)
        module = MotionLoraOnBase(
            base, self.trained, config.precision, config.checkpointing, config.steps_schedule
        )
        module.orthogonal, module.orthogonality = config.orthogonal, config.orthogonality
        self.module: nn.Module = module

    def read_config(self, values: dict[str, Any]) -> MotionLoraConfig:
        """See `read_config`."""
        return read_config(values)


def train_motion_lora(
    config: MotionLoraConfig,
    base: ImageConductorBase,
    clips: ClipSource,
    folder: Path,
    *,
    held_out: ClipSource | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Path:
    """Run or resume the training of a LoRA; see `train_track_controlnet`."""
    task = MotionLoraTask(config, base, clips, held_out)
    return run_task(task, folder, resume=resume, progress=progress)
