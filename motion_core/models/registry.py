"""The model families that follow tracks, by name.

A family adds itself to FAMILIES; nothing else has to learn its name. Nothing is loaded before
somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from .protocols import TrackControl, VideoModel


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A loaded model that follows tracks, ready for sampling.

    network: all its weights, which a host may move to another device before a run.
    """

    family: str
    model: VideoModel[Any]
    control: TrackControl[Any, Any] | None
    network: nn.Module


@dataclass(frozen=True)
class Family:
    """load: from a weights file, or from what the pack ships when the file is None; a family
    that ships none raises then, saying what to get."""

    name: str
    load: Callable[[Path | None], TrackModel]


def _lite(file: Path | None) -> TrackModel:
    from .lite.family import LiteFamily, LiteTracks
    from .lite.lite import load_lite

    lite = load_lite(file)
    return TrackModel("lite", LiteFamily(lite), LiteTracks(lite), lite)


FAMILIES: dict[str, Family] = {family.name: family for family in (Family("lite", _lite),)}


def load_track_model(name: str, file: Path | None = None) -> TrackModel:
    """A model by the name of its family.

    file: its weights, or None for those the pack ships. Raises ValueError for an unknown family,
    FileNotFoundError or FormatError for weights that are missing or broken.
    """
    family = FAMILIES.get(name)
    if family is None:
        raise ValueError(f"there is no model family {name!r}; there are {', '.join(FAMILIES)}.")
    return family.load(file)
