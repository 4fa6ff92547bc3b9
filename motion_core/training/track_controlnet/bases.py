"""Frozen bases whose Track-ControlNet can be trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...geometry import Size
from ...models.protocols import TrackControl, VideoModel
from ...models.track_model import Defaults, TrackModel
from ...tracks.model import Tracks
from .batches import ClipBatch, FrameRule

# The module of each family that has a function trainable(model) -> TrainableBase.
MODULES = {"animatediff": "..animatediff.base", "wan": "..wan.base"}


class TrainableBase(Protocol):
    """A frozen video model and the kind of Track-ControlNet that it takes.

    Attributes:
        network: All weights of the base; none of them requires a gradient.
        frames: How many frames of a clip it is trained on.
        model: Samples videos with the same networks.
        defaults: How its authors sample it.
    """

    network: nn.Module
    frames: FrameRule
    model: VideoModel[Any]
    defaults: Defaults

    def new_control(self) -> nn.Module:
        """A Track-ControlNet in float32 that changes nothing yet."""
        ...

    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """Modules of base and control whose activations can be computed again in the backward."""
        ...

    def check_size(self, size: Size) -> None:
        """Raises ValueError for clips whose sides the base cannot make."""
        ...

    def encode(self, batch: ClipBatch) -> Any:
        """Latents, first frames and prompts of clips as the base reads them."""
        ...

    def errors(
        self,
        control: nn.Module | None,
        encoded: Any,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | None = None,
    ) -> Tensor:
        """(B,) the loss of each clip.

        Args:
            control: The Track-ControlNet; None for the base alone.
            encoded: From `encode`.
            tracks: Of each clip.
            seeds: Of each clip's noise level, noise and track codes.
            level: 0..1, the noise level of all clips; None for a random one each.
        """
        ...

    def readable(self, caption: str) -> str:
        """The caption, or "" where the base has nothing to read text with."""
        ...

    def track_control(self, control: nn.Module) -> TrackControl[Any, Any]:
        """A Track-ControlNet as the sampling loop takes it."""
        ...

    def save(self, control: nn.Module, path: Path) -> None:
        """Write the file that Load Track-ControlNet reads."""
        ...


def trainable_base(model: TrackModel) -> TrainableBase:
    """The base of a loaded model. Raises ValueError for a family that cannot be trained."""
    if model.family not in MODULES:
        raise ValueError(
            f"a Track-ControlNet can be trained on {' and '.join(MODULES)}; got {model.family}."
        )
    module = import_module(MODULES[model.family], __package__)
    make: Callable[[TrackModel], TrainableBase] = module.trainable
    base = make(model)
    base.network.requires_grad_(False).eval()
    return base


def levels_and_noise(
    shape: Sequence[int], seeds: Sequence[int], level: float | None, like: Tensor
) -> tuple[Tensor, Tensor]:
    """(B,) levels 0..1 and (B, *shape) noise, drawn on the CPU from the seed of each clip."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    # Drawn also where it is given, so that the noise stays the same.
    levels = torch.cat([torch.rand(1, generator=one) for one in generators])
    noise = torch.stack([torch.randn(*shape, generator=one) for one in generators])
    if level is not None:
        levels = torch.full_like(levels, level)
    return levels.to(like), noise.to(like)
