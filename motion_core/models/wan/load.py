"""Wan ready for sampling, under one of the controls that steer it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn

from ..detect import check_kind
from ..track_model import Defaults, Precision, TrackModel, precision
from .control import AtiControl, WanControl, WanMoveControl
from .family import WanFamily
from .folder import WanFiles, load_wan
from .signatures import TRACK_CONTROLNET, TRANSFORMER
from .weights import load_track_controlnet

# What the weights were trained to follow; their names and shapes are the same.
Follow = Literal["wan_move", "ati", "nothing"]
# As the authors sample; the plain release has the shift in its scheduler's config.
_SHIFT = {"wan_move": 3.0, "ati": 5.0, "nothing": None}
_STEPS, _TEXT_SCALE = 40, 5.0


def load_wan_model(files: WanFiles, follow: Follow = "wan_move") -> TrackModel:
    """Wan from files, under the control that its weights were trained for.

    Args:
        files: Where the networks are.
        follow: wan_move, ati, or nothing for the plain release and a Track-ControlNet.

    Raises:
        ValueError: For any other value of follow.
        FileNotFoundError, FormatError, MissingExtraError: As load_wan.
    """
    if follow not in get_args(Follow):
        raise ValueError(f"Wan follows {' or '.join(get_args(Follow))}; got {follow!r}.")
    parts = load_wan(files)
    control = {"wan_move": WanMoveControl, "ati": AtiControl}.get(follow)
    reads_text = parts.text is not None
    return TrackModel(
        "wan",
        WanFamily(parts, flow_shift=_SHIFT[follow]),
        None if control is None else control(),
        parts.network(),
        Defaults(_STEPS, _TEXT_SCALE if reads_text else 1.0),
        "text" if reads_text else "nothing",
    )


def load_model(
    folder: Path,
    transformer: Path | None = None,
    follow: Follow = "wan_move",
    read_text: bool = True,
    dtype: Precision = "auto",
    vae_tiling: bool = False,
) -> TrackModel:
    """Wan by the settings of its family; see load_wan_model."""
    wanted = precision(dtype) or torch.bfloat16
    if transformer is not None and transformer.is_file():
        check_kind(transformer, TRANSFORMER)
    model = load_wan_model(WanFiles(folder, transformer, read_text, wanted), follow)
    if vae_tiling:
        family: Any = model.model
        family.parts.vae.enable_tiling()
    return model


def with_track_controlnet(model: TrackModel, file: Path) -> TrackModel:
    """Wan under the Track-ControlNet in a file, in place of its present control.

    Args:
        model: Wan.
        file: Of the Track-ControlNet.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken, of another kind, or made for another base.
    """
    check_kind(file, TRACK_CONTROLNET)
    family: Any = model.model
    control = load_track_controlnet(file, family.parts.transformer)
    network = nn.ModuleDict({"base": model.network, "control": control.requires_grad_(False)})
    return replace(model, control=WanControl(control), network=network)
