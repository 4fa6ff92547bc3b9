"""Image Conductor (2406.15339): AnimateDiff steered by a flow network with a LoRA per motion."""

from __future__ import annotations

from typing import Any

from ..sd15.settings import lora_settings
from ..track_model import Family, Setting, TrackModel, precision_setting, tiling_setting
from .signatures import SIGNATURES


def _load(**settings: Any) -> TrackModel:
    from .load import load_model

    return load_model(**settings)


FAMILY = Family(
    "image_conductor",
    _load,
    settings=(
        Setting(
            "folder",
            "path",
            "A folder with unet.ckpt, flow_controlnet.ckpt and image_controlnet.ckpt of "
            "TencentARC/ImageConductor.",
            "ImageConductor",
            is_required=True,
        ),
        Setting(
            "base",
            "path",
            "A folder of Stable Diffusion 1.5 in diffusers' layout, of which vae, text_encoder and "
            "tokenizer are read, or a single file of a personalised model. Empty: they are in the "
            "folder above.",
            "stable-diffusion-v1-5",
        ),
        Setting(
            "has_base_look",
            "switch",
            "Use the U-Net of the base in place of Image Conductor's, with Image Conductor's "
            "motion modules.",
            False,
        ),
        *lora_settings(),
        precision_setting("as the files were saved"),
        tiling_setting(),
    ),
    signatures=SIGNATURES,
    traits=frozenset({"motion_features", "motion_lora"}),
    aliases=("image conductor",),
)
