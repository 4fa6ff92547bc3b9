"""Frozen bases whose Track-ControlNet can be trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...geometry import Size
from ...models.protocols import TrackControl, VideoModel
from ...models.track_model import Defaults, TrackModel
from ...tracks.model import Tracks
from .batches import ClipBatch, FrameRule

# The module of each family that has a function trainable(model) -> TrainableBase.
MODULES = {"animatediff": "..animatediff.base", "motionpro": "..svd.base", "wan": "..wan.base"}
LATENTS, PROMPT = "latents", "prompt_embeds"


@dataclass(frozen=True, eq=False)
class EncodedClips:
    """B clips as a base reads them.

    Attributes:
        tensors: By name, one row per clip: `latents` (float32), `prompt_embeds` where the base
            reads text, and what the base is given of the first image.
    """

    tensors: Mapping[str, Tensor]

    @property
    def latents(self) -> Tensor:
        """(B, ...) of the videos."""
        return self.tensors[LATENTS]

    @property
    def prompt_embeds(self) -> Tensor:
        """(B, L, D)."""
        return self.tensors[PROMPT]


class TrainableBase(ABC):
    """A frozen video model and the kind of Track-ControlNet that it takes.

    Attributes:
        label: Names the model in messages.
        network: All weights of the base; none of them requires a gradient.
        frames: How many frames of a clip it is trained on.
        model: Samples videos with the same networks.
        defaults: How its authors sample it.
        multiple: What the sides of a clip in pixels must be multiples of.
    """

    label: str
    network: nn.Module
    frames: FrameRule
    model: VideoModel[Any]
    defaults: Defaults
    multiple: int

    @abstractmethod
    def new_control(self) -> nn.Module:
        """A Track-ControlNet in float32 that changes nothing yet."""

    @abstractmethod
    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """Modules of base and control whose activations can be computed again in the backward."""

    def shards(self) -> list[nn.Module]:
        """Modules whose weights can be spread over processes, inner ones first; none: too small."""
        return []

    @abstractmethod
    def encode_video(self, video: Tensor, first: Tensor) -> dict[str, Tensor]:
        """`latents` of a clip, and what the base is given of its first image.

        Args:
            video: (T, H, W, 3) uint8.
            first: (H, W, 3) float32, 0..1.
        """

    @abstractmethod
    def encode_caption(self, caption: str) -> dict[str, Tensor]:
        """`prompt_embeds` (L, D) of a caption; nothing for a base that reads no text."""

    @abstractmethod
    def errors(
        self,
        control: nn.Module | None,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | Sequence[float] | None = None,
    ) -> Tensor:
        """(B,) the loss of each clip.

        Args:
            control: The Track-ControlNet; None for the base alone.
            encoded: From `encode`.
            tracks: Of each clip.
            seeds: Of each clip's noise level, noise and track codes.
            level: 0..1, the noise level of all clips or of each; None for a random one each.
        """

    @abstractmethod
    def sampler_levels(self, steps: int) -> Tensor:
        """(steps,) 0..1, the noise levels at which a sampler of so many steps asks the model."""

    @abstractmethod
    def readable(self, caption: str) -> str:
        """The caption, or "" where the base has nothing to read text with."""

    @abstractmethod
    def track_control(self, control: nn.Module) -> TrackControl[Any, Any]:
        """A Track-ControlNet as the sampling loop takes it."""

    @abstractmethod
    def save(self, control: nn.Module, path: Path) -> None:
        """Write the file that Load Track-ControlNet reads."""

    def check_size(self, size: Size) -> None:
        """Raises ValueError for clips whose sides the base cannot make."""
        multiple = self.multiple
        if size.width % multiple or size.height % multiple:
            near = Size(*(max(round(side / multiple), 1) * multiple for side in size))
            raise ValueError(
                f"{self.label} needs clips with sides that are multiples of {multiple}; got "
                f"{size}. Curate them again with another --size, for instance {near}."
            )

    def encode(self, batch: ClipBatch) -> EncodedClips:
        """Latents, first frames and prompts of clips as the base reads them."""
        rows = [
            self.encode_video(video, first) | self.encode_caption(self.readable(caption))
            for video, first, caption in zip(batch.video, batch.firsts, batch.captions, strict=True)
        ]
        return EncodedClips({name: torch.stack([row[name] for row in rows]) for name in rows[0]})


def trainable_base(model: TrackModel) -> TrainableBase:
    """The base of a loaded model. Raises ValueError for a family that cannot be trained."""
    if model.family not in MODULES:
        raise ValueError(
            f"a Track-ControlNet can be trained on {', '.join(MODULES)}; got {model.family}."
        )
    module = import_module(MODULES[model.family], __package__)
    make: Callable[[TrackModel], TrainableBase] = module.trainable
    base = make(model)
    base.network.requires_grad_(False).eval()
    return base


def levels_and_noise(
    shape: Sequence[int],
    seeds: Sequence[int],
    level: float | Sequence[float] | None,
    like: Tensor,
) -> tuple[Tensor, Tensor]:
    """(B,) levels 0..1 and (B, *shape) noise, drawn on the CPU from the seed of each clip.

    level: of all clips, or of each; None for a random one each.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    # Drawn also where it is given, so that the noise stays the same.
    levels = torch.cat([torch.rand(1, generator=one) for one in generators])
    noise = torch.stack([torch.randn(*shape, generator=one) for one in generators])
    if level is not None:
        given = [level] * len(seeds) if isinstance(level, float) else level
        levels = torch.tensor(given, dtype=levels.dtype)
    return levels.to(like), noise.to(like)
