"""Wan image-to-video, steered by Wan-Move, ATI or a Track-ControlNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..track_model import Family, Setting, TrackModel, precision_setting, tiling_setting
from .signatures import SIGNATURES


def _load(**settings: Any) -> TrackModel:
    from .load import load_model

    return load_model(**settings)


def _with_tracks(model: TrackModel, file: Path) -> TrackModel:
    from .load import with_track_controlnet

    return with_track_controlnet(model, file)


FAMILY = Family(
    "wan",
    _load,
    settings=(
        Setting(
            "folder",
            "path",
            "A folder of Wan 2.1 image-to-video in diffusers' layout.",
            "Wan2.1-I2V-14B-480P-Diffusers",
            is_required=True,
        ),
        Setting(
            "transformer",
            "path",
            "Weights that replace the folder's transformer, such as Wan-Move's or ATI's: a "
            ".safetensors file, or a folder of its pieces. Empty: the folder's own.",
        ),
        Setting(
            "follow",
            "choice",
            "Method that the weights were trained for, which the file does not store. nothing: "
            "the plain model, for a Track-ControlNet.",
            choices=("wan_move", "ati", "nothing"),
        ),
        Setting(
            "read_text",
            "switch",
            "Load the text encoder (11 GB). Without it prompts are not read, and every step takes "
            "half the time.",
            True,
        ),
        precision_setting("bfloat16"),
        tiling_setting(),
    ),
    signatures=SIGNATURES,
    with_tracks=_with_tracks,
    aliases=("wan move", "ati"),
)
