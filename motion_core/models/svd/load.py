"""Loads MotionPro: its checkpoint, and a folder of Stable Video Diffusion beside it.

The checkpoint holds a U-Net trained on; autoencoder and CLIP are Stable Video Diffusion's own,
unchanged, and come from its folder in diffusers' layout.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ..files import few, read_weights
from ..registry import Defaults, TrackModel
from .checkpoint import build, split_checkpoint
from .family import MotionPro, MotionProTracks, SvdFamily
from .guidance import FrameGuidance
from .settings import AS_RELEASED, SPARSE, ControlSettings, SvdSettings
from .unet import HEAD_CHANNELS

_VAE, _CLIP = "AutoencoderKLTemporalDecoder", "CLIPVisionModelWithProjection"
# Its text scale is that of the picture at the last frame.
AS_SAMPLED = Defaults(25, 2.5, lambda text, motion: FrameGuidance(1.0, text, motion))


def load_motionpro(
    checkpoint: Path,
    base: Path | None = None,
    *,
    settings: SvdSettings = AS_RELEASED,
    control: ControlSettings = SPARSE,
    head_channels: int = HEAD_CHANNELS,
) -> TrackModel:
    """MotionPro ready for sampling.

    checkpoint: MotionPro-gs_16k.pt, or MotionPro_Dense-gs_14k.pt with ControlSettings(is_dense=
    True): the two cannot be told apart by their weights. base: a folder of Stable Video Diffusion
    with vae/ and image_encoder/, or None where the checkpoint lies in it. The U-Net keeps the
    precision of the checkpoint; the rest is float32.
    Raises FileNotFoundError or FormatError for what is missing, broken or another model's.
    """
    source, folder = str(checkpoint), checkpoint.parent if base is None else base
    weights = split_checkpoint(read_weights(checkpoint), source)
    vae, clip = _part(folder / "vae", _VAE), _part(folder / "image_encoder", _CLIP)
    unet, adapter, lora = build(weights, source, head_channels)
    told, wanted = clip.config.projection_dim, unet.config.cross_attention_dim
    if told != wanted:
        raise FormatError(
            f"{folder / 'image_encoder'} describes pictures by {told} numbers but the U-Net of "
            f"{checkpoint} reads {wanted}; choose the image_encoder of Stable Video Diffusion."
        )
    network = MotionPro(unet, vae, clip, adapter, lora).eval().requires_grad_(False)
    family = SvdFamily(network, settings)
    steering = MotionProTracks(network, control)
    return TrackModel("motionpro", family, steering, network, AS_SAMPLED, "picture")


def _part(folder: Path, kind: str) -> Any:
    """A part of a pipeline in diffusers' layout, from this machine alone."""
    from safetensors import SafetensorError

    _check_config(folder, kind)
    stem = "model" if kind == _CLIP else "diffusion_pytorch_model"
    whole = (folder / f"{stem}.safetensors").is_file()
    try:
        part, told = _class(kind).from_pretrained(
            str(folder),
            variant=None if whole else "fp16",
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise FormatError(
            f"{folder} is broken or incomplete ({error}); copy or download it again."
        ) from error
    if told["missing_keys"]:
        raise FormatError(
            f"{folder} is incomplete: {few('weights missing', told['missing_keys'])}."
        )
    return part.float()


def _check_config(folder: Path, kind: str) -> None:
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"MotionPro needs {kind} in {folder}, and there is none. Put the checkpoint into a "
            "folder of stabilityai/stable-video-diffusion-img2vid (its vae and image_encoder), or "
            "name that folder."
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        found = config.get("_class_name") or ", ".join(config.get("architectures") or ["nothing"])
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(f"{file} is broken ({error}); copy or download it again.") from error
    if found != kind:
        raise FormatError(f"{folder} holds {found} instead of {kind}.")


def _class(kind: str) -> Any:
    if kind == _CLIP:
        from transformers import CLIPVisionModelWithProjection

        return CLIPVisionModelWithProjection
    from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import (
        AutoencoderKLTemporalDecoder,
    )

    return AutoencoderKLTemporalDecoder
