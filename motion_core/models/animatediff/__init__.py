"""AnimateDiff: Stable Diffusion 1.5 with motion modules, steered by a Track-ControlNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..sd15.settings import lora_settings
from ..track_model import Family, Setting, TrackModel, precision_setting, tiling_setting
from .signatures import SIGNATURES


def _load(**settings: Any) -> TrackModel:
    from .load import load_model

    return load_model(**settings)


def _with_tracks(model: TrackModel, file: Path) -> TrackModel:
    from .load import with_track_controlnet

    return with_track_controlnet(model, file)


FAMILY = Family(
    "animatediff",
    _load,
    settings=(
        Setting(
            "base",
            "path",
            "Stable Diffusion 1.5 or a model personalised from it: a folder in diffusers' layout "
            "or a single file.",
            "stable-diffusion-v1-5",
            is_required=True,
        ),
        Setting(
            "motion",
            "path",
            "AnimateDiff's motion module (mm_sd_v15_v2 or v3_sd15_mm).",
            "v3_sd15_mm.ckpt",
            is_required=True,
        ),
        Setting(
            "image",
            "path",
            "SparseCtrl RGB, which conditions the model on the first frame. Empty: the image is "
            "not used.",
            "v3_sd15_sparsectrl_rgb.ckpt",
        ),
        *lora_settings(),
        precision_setting("as the files were saved"),
        tiling_setting(),
    ),
    signatures=SIGNATURES,
    with_tracks=_with_tracks,
    traits=frozenset({"motion_features"}),
    aliases=("animatediff",),
)
