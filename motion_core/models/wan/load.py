"""Wan ready for sampling, under one of the controls that steer it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from torch import nn

from ..registry import Defaults, TrackModel, check_family
from .control import ControlTracks
from .family import WanFamily
from .folder import WanFiles, load_wan
from .tracks import AtiTracks, WanMoveTracks
from .weights import load_control

# What the weights were trained to follow; their names and shapes are the same and do not tell.
Follow = Literal["wan_move", "ati", "nothing"]
# As the authors sample; the plain release says its own shift.
_SHIFT = {"wan_move": 3.0, "ati": 5.0, "nothing": None}
_STEPS, _TEXT_SCALE = 40, 5.0


def load_wan_model(files: WanFiles, follow: Follow = "wan_move") -> TrackModel:
    """Wan from files, following tracks as its weights learned to.

    follow: wan_move, ati, or nothing for the plain release, which with_track_control teaches.
    Raises ValueError for another word, and what load_wan raises.
    """
    if follow not in get_args(Follow):
        raise ValueError(f"Wan follows {' or '.join(get_args(Follow))}; got {follow!r}.")
    parts = load_wan(files)
    control = {"wan_move": WanMoveTracks, "ati": AtiTracks}.get(follow)
    reads = parts.text is not None
    return TrackModel(
        "wan",
        WanFamily(parts, flow_shift=_SHIFT[follow]),
        None if control is None else control(),
        parts.network(),
        Defaults(_STEPS, _TEXT_SCALE if reads else 1.0),
        "words" if reads else "nothing",
    )


def with_track_control(model: TrackModel, file: Path) -> TrackModel:
    """Wan steered by the Track-ControlNet in a file, in place of what steered it before.

    Raises FileNotFoundError, or FormatError for a file that is broken, of another kind, or made
    for another base.
    """
    from ..detect import WAN_TRACKS

    check_family(file, WAN_TRACKS)
    family: Any = model.model
    control = load_control(file, family.parts.transformer)
    network = nn.ModuleDict({"base": model.network, "control": control.requires_grad_(False)})
    return replace(model, control=ControlTracks(control), network=network)
