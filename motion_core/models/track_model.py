"""A loaded model that follows tracks, and the family that loads it.

A family's package exposes one FAMILY; registry.py lists the packages. Declaring a family imports
none of its networks: loaders do that when they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

from .signature import Signature

if TYPE_CHECKING:
    from .protocols import Guidance, TrackControl, VideoModel

# What a branch with text is conditioned on and one without is not.
Conditioning = Literal["text", "image", "nothing"]
# auto: the dtype that the files were saved in or, for a family that says so, another one.
Precision = Literal["auto", "float32", "float16", "bfloat16"]
# What a family may offer beside sampling: features for MOFT, a LoRA per kind of motion, and a mask
# of where motion is expected.
Trait = Literal["motion_features", "motion_lora", "motion_mask"]
SettingKind = Literal["path", "choice", "switch", "number", "count"]


@dataclass(frozen=True)
class Defaults:
    """How a model's authors sample it.

    Attributes:
        steps: Sampling steps.
        text_scale: Scale of guidance on the conditioning, 1 for none.
        weighting: (text scale, motion scale) -> guidance, for a family that has its own.
    """

    steps: int = 8
    text_scale: float = 1.0
    weighting: Callable[[float, float], Guidance] | None = None


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A loaded model that follows tracks, ready for sampling.

    Attributes:
        family: Name of its family.
        model: Generates.
        control: Makes it follow tracks; None before it is given a Track-ControlNet.
        network: All its weights, which a host may move to another device before a run.
        defaults: How its authors sample it.
        conditioning: What guidance with a text scale strengthens.
        adapters: Names that a Branch may ask for.
    """

    family: str
    model: VideoModel[Any]
    control: TrackControl[Any, Any] | None
    network: nn.Module
    defaults: Defaults = Defaults()
    conditioning: Conditioning = "nothing"
    adapters: tuple[str, ...] = ()

    def check_guidance(self, guidance: Guidance) -> None:
        """Raises ValueError for a guidance that needs what this model does not have."""
        missing = {branch.adapter for branch in guidance.branches} - {None, *self.adapters}
        if missing:
            raise ValueError(
                f"the guidance needs a LoRA for the motion {', '.join(map(repr, missing))}, and "
                f"{self.family} has {', '.join(self.adapters) or 'none'}. Disconnect the "
                "guidance, or load a model that has it."
            )
        if self.conditioning == "nothing" and not all(branch.text for branch in guidance.branches):
            raise ValueError(
                f"the guidance strengthens the prompt, and this {self.family} reads none. Set its "
                "text scale to 1, or load the model with its text encoder."
            )


@dataclass(frozen=True)
class Setting:
    """One input of a family's loader.

    Attributes:
        name: Keyword of Family.load.
        kind: path (a Path of a file or folder), choice (a str), switch (a bool), number (a float)
            or count (an int).
        tooltip: What it means, in a sentence or two.
        default: What a user starts with; "" for a path that is left out.
        is_required: Whether a path must be given.
        choices: Of a choice; the first is the default.
        limits: (lowest, highest, step) of a number or count.
    """

    name: str
    kind: SettingKind
    tooltip: str
    default: Any = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    limits: tuple[float, float, float] = (0.0, 1.0, 0.05)


@dataclass(frozen=True)
class Family:
    """A family of video models that follow tracks.

    Attributes:
        name: Under which it is loaded.
        load: Loads a model; its keywords are the names of the settings.
        settings: What a user is asked for, in this order.
        signatures: The kinds of files that the family reads.
        with_tracks: The model with a Track-ControlNet from a file; None for a family without one.
        traits: What its models offer beside sampling.
        aliases: Other names that users search for.
    """

    name: str
    load: Callable[..., TrackModel]
    settings: tuple[Setting, ...] = ()
    signatures: tuple[Signature, ...] = ()
    with_tracks: Callable[[TrackModel, Path], TrackModel] | None = None
    traits: frozenset[Trait] = field(default_factory=frozenset)
    aliases: tuple[str, ...] = ()


@runtime_checkable
class MotionLoraControl(Protocol):
    """A TrackControl with a LoRA for each kind of motion."""

    def with_motion(self, motion: str | None, lora_strength: float) -> Any:
        """The same control under another LoRA, or under none for None."""
        ...


@runtime_checkable
class MotionMaskControl(Protocol):
    """A TrackControl that reads a mask of where motion is expected."""

    def with_mask(self, rule: Any, brush: Tensor | None) -> Any:
        """The same control with another mask (H, W) bool."""
        ...


def precision_setting(auto: str) -> Setting:
    """The setting that precision() reads. auto: what "auto" stands for."""
    return Setting(
        "dtype",
        "choice",
        f"The precision that the networks run in. auto: {auto}. float16 and bfloat16 take half the "
        "memory of float32.",
        choices=get_args(Precision),
    )


def tiling_setting() -> Setting:
    """The setting that turns on tiling of the autoencoder."""
    return Setting(
        "vae_tiling",
        "switch",
        "Encode images and decode latents in tiles: less memory, more time, and sometimes visible "
        "seams.",
        False,
    )


def precision(name: Precision) -> torch.dtype | None:
    """The dtype of that name; None for auto. Raises ValueError for any other name."""
    if name not in get_args(Precision):
        raise ValueError(f"dtype must be one of {', '.join(get_args(Precision))}; got {name!r}.")
    return None if name == "auto" else getattr(torch, name)
