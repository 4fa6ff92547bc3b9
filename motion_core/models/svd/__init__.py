"""Stable Video Diffusion, steered by MotionPro (2505.20287)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..track_model import Family, Setting, TrackModel, precision_setting
from .signatures import SIGNATURES


def _load(**settings: Any) -> TrackModel:
    from .load import load_model

    return load_model(**settings)


def _with_tracks(model: TrackModel, file: Path) -> TrackModel:
    from .load import with_track_controlnet

    return with_track_controlnet(model, file)


FAMILY = Family(
    "motionpro",
    _load,
    settings=(
        Setting(
            "checkpoint",
            "path",
            "The file MotionPro-gs_16k.pt or MotionPro_Dense-gs_14k.pt.",
            "MotionPro/MotionPro-gs_16k.pt",
            is_required=True,
        ),
        Setting(
            "base",
            "path",
            "A folder of Stable Video Diffusion in diffusers' layout, of which vae and "
            "image_encoder are read. Empty: they are beside the checkpoint.",
            "stable-video-diffusion-img2vid",
        ),
        Setting(
            "weights",
            "choice",
            "dense for MotionPro_Dense, which needs tracks that start everywhere. The file does "
            "not store which of the two it is.",
            choices=("sparse", "dense"),
        ),
        precision_setting("as the file was saved"),
        Setting(
            "decode_at_once",
            "count",
            "Number of frames decoded together. Fewer take less memory and flicker more.",
            16,
            limits=(1, 16, 1),
        ),
    ),
    signatures=SIGNATURES,
    with_tracks=_with_tracks,
    traits=frozenset({"motion_mask"}),
    aliases=("motionpro",),
)
