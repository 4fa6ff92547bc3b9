"""The model families that follow tracks, by name.

A family adds itself to FAMILIES; nothing else has to learn its name. Nothing is loaded before
somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn

from ..errors import FormatError
from .protocols import Guidance, TrackControl, VideoModel

# What a branch with text knows and one without does not.
Told = Literal["words", "picture", "nothing"]
# auto: what the files were saved in or, for a family that says so, what it is run in.
Precision = Literal["auto", "float32", "float16", "bfloat16"]


@dataclass(frozen=True)
class Defaults:
    """How its authors sample a model. text_scale: of guidance on what it is told, 1 for none.
    weighting: (text scale, motion scale) -> guidance, for a family that has its own."""

    steps: int = 8
    text_scale: float = 1.0
    weighting: Callable[[float, float], Guidance] | None = None


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A loaded model that follows tracks, ready for sampling.

    control: None for a model that follows no tracks before it is given a Track-ControlNet.
    network: all its weights, which a host may move to another device before a run. told: what
    guidance on text strengthens. adapters: names that a Branch may ask for.
    """

    family: str
    model: VideoModel[Any]
    control: TrackControl[Any, Any] | None
    network: nn.Module
    defaults: Defaults = Defaults()
    told: Told = "nothing"
    adapters: tuple[str, ...] = ()

    def check_guidance(self, guidance: Guidance) -> None:
        """Raises ValueError for a guidance that asks for what this model does not have."""
        missing = {branch.adapter for branch in guidance.branches} - {None, *self.adapters}
        if missing:
            raise ValueError(
                f"the guidance needs weights for the motion {', '.join(map(repr, missing))}, and "
                f"{self.family} has {', '.join(self.adapters) or 'none'}. Camera-free guidance is "
                "for Image Conductor."
            )
        if self.told == "nothing" and not all(branch.text for branch in guidance.branches):
            raise ValueError(
                f"the guidance strengthens words, and this {self.family} reads none. Set its "
                "text scale to 1, or load the model with its text encoder."
            )


@dataclass(frozen=True)
class Family:
    """load: see load_track_model; its keywords are what a user is asked for. with_tracks: the
    model with a Track-ControlNet from a file, for families that have one."""

    name: str
    load: Callable[..., TrackModel]
    with_tracks: Callable[[TrackModel, Path], TrackModel] | None = None


def _lite(file: Path | None = None, generate: bool = False) -> TrackModel:
    from .lite.control import LiteControl
    from .lite.family import LiteFamily
    from .lite.load import load_lite

    lite = load_lite(file)
    if not generate:
        lite.base = lite.control = None
    elif lite.base is None:
        raise FormatError(
            f"{file} holds lite's encoder alone, which generates nothing. Switch generate off, or "
            "train a base: python -m motion_core train base."
        )
    # More steps change little; see docs/evaluation.md.
    defaults = Defaults(steps=4)
    return TrackModel("lite", LiteFamily(lite), LiteControl(lite), lite, defaults)


def _image_conductor(
    folder: Path,
    base: Path | None = None,
    has_base_look: bool = False,
    lora: Path | None = None,
    lora_strength: float = 1.0,
    tokenizer: Path | None = None,
    dtype: Precision = "auto",
    vae_tiling: bool = False,
) -> TrackModel:
    from .animatediff.base_lora import BaseLora
    from .animatediff.load import conductor_files, load_image_conductor

    wanted = precision(dtype)
    files = replace(
        conductor_files(folder, base),
        has_base_look=has_base_look,
        loras=() if lora is None else (BaseLora(lora, lora_strength),),
        tokenizer=tokenizer,
    )
    loaded = load_image_conductor(files)
    network: Any = loaded.network
    network["control"].to(wanted)
    return _as_wished(loaded, network["base"], wanted, vae_tiling)


def _animatediff(
    base: Path,
    motion: Path,
    image: Path | None = None,
    lora: Path | None = None,
    lora_strength: float = 1.0,
    tokenizer: Path | None = None,
    dtype: Precision = "auto",
    vae_tiling: bool = False,
) -> TrackModel:
    from .animatediff.base_lora import BaseLora
    from .animatediff.stock import AnimateDiffFiles, load_animatediff

    wanted = precision(dtype)
    loras = () if lora is None else (BaseLora(lora, lora_strength),)
    loaded = load_animatediff(
        AnimateDiffFiles(base, motion, image, loras=loras, tokenizer=tokenizer)
    )
    network: Any = loaded.network
    return _as_wished(loaded, network["base"], wanted, vae_tiling)


def _motionpro(
    checkpoint: Path,
    base: Path | None = None,
    weights: Literal["sparse", "dense"] = "sparse",
    dtype: Precision = "auto",
    decode_at_once: int = 16,
) -> TrackModel:
    from .svd.load import load_motionpro
    from .svd.settings import ControlSettings, SvdSettings

    wanted = precision(dtype)
    settings = SvdSettings(decode_at_once=decode_at_once)
    control = ControlSettings(is_dense=weights == "dense")
    loaded = load_motionpro(checkpoint, base, settings=settings, control=control)
    network: Any = loaded.network
    for part in (network.unet, network.adapter, network.lora):
        part.to(wanted)
    return loaded


def _wan(
    folder: Path,
    transformer: Path | None = None,
    follow: Literal["wan_move", "ati", "nothing"] = "wan_move",
    read_text: bool = True,
    dtype: Precision = "auto",
    vae_tiling: bool = False,
) -> TrackModel:
    from .detect import WAN
    from .wan.folder import WanFiles
    from .wan.load import load_wan_model

    wanted = precision(dtype) or torch.bfloat16
    if transformer is not None and transformer.is_file():
        check_family(transformer, WAN)
    loaded = load_wan_model(WanFiles(folder, transformer, read_text, wanted), follow)
    network: Any = loaded.network
    if vae_tiling:
        network["vae"].enable_tiling()
    return loaded


def _wan_tracks(model: TrackModel, file: Path) -> TrackModel:
    from .wan.load import with_track_control

    return with_track_control(model, file)


def _animatediff_tracks(model: TrackModel, file: Path) -> TrackModel:
    from .animatediff.stock import with_track_control
    from .detect import ANIMATEDIFF_TRACKS

    check_family(file, ANIMATEDIFF_TRACKS)
    return with_track_control(model, file)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("lite", _lite),
        Family("image_conductor", _image_conductor),
        Family("motionpro", _motionpro),
        Family("wan", _wan, _wan_tracks),
        Family("animatediff", _animatediff, _animatediff_tracks),
    )
}


def load_track_model(name: str, **given: Any) -> TrackModel:
    """A model by the name of its family.

    given: where its weights are and how they are to be used, in the keywords of the family's own
    loader; lite comes with weights and needs none. Raises ValueError for an unknown family or a
    place that is not given, FileNotFoundError or FormatError for weights that are missing, broken
    or another family's.
    """
    family = FAMILIES.get(name)
    if family is None:
        raise ValueError(f"there is no model family {name!r}; there are {', '.join(FAMILIES)}.")
    asked = signature(family.load).parameters.items()
    missing = [key for key, one in asked if one.default is one.empty and key not in given]
    if missing:
        raise ValueError(f"{name} needs {' and '.join(missing)}: name the file or folder.")
    return family.load(**given)


def with_track_control(model: TrackModel, file: Path) -> TrackModel:
    """The model steered by the Track-ControlNet in a file, in place of what steered it before.

    Raises ValueError for a family that has none, FileNotFoundError or FormatError for a file that
    is missing, broken, or made for another family or base.
    """
    steer = FAMILIES[model.family].with_tracks
    if steer is None:
        having = ", ".join(one.name for one in FAMILIES.values() if one.with_tracks is not None)
        raise ValueError(
            f"{model.family} follows tracks by itself and takes no Track-ControlNet; these do: "
            f"{having}."
        )
    return steer(model, file)


def check_family(path: Path, *wanted: str) -> None:
    """Raises FormatError, which names what it is, for weights of anything but what is wanted (of
    the names in detect.py)."""
    from .detect import what_is

    found = what_is(path)
    if found not in wanted:
        raise FormatError(
            f"{path} holds weights of {found}, not of {' or '.join(wanted)}; choose another file "
            "or another family."
        )


def precision(name: Precision) -> torch.dtype | None:
    """The dtype of that name; None for auto. Raises ValueError for any other."""
    if name not in get_args(Precision):
        raise ValueError(f"dtype must be one of {', '.join(get_args(Precision))}; got {name!r}.")
    return None if name == "auto" else getattr(torch, name)


def _as_wished(
    model: TrackModel, network: Any, dtype: torch.dtype | None, is_tiled: bool
) -> TrackModel:
    """An AnimateDiff in a precision; its autoencoder and CLIP stay in their own."""
    for part in (network.unet, network.image):
        if part is not None:
            part.to(dtype)
    if is_tiled:
        network.vae.enable_tiling()
    return model
