"""Loads MotionPro: its checkpoint, and a folder of Stable Video Diffusion beside it.

The checkpoint holds a fine-tuned U-Net. Autoencoder and CLIP are Stable Video Diffusion's own and
come from its folder in diffusers' layout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch

from ...errors import FormatError
from ...model_folder import (
    check_class,
    diffusers_network,
    transformers_config,
    transformers_network,
)
from ...weights_io import read_weights
from ..track_model import Defaults, Precision, TrackModel, precision
from .checkpoint import build, split_checkpoint
from .control import MotionProControl
from .family import SvdFamily
from .guidance import FrameGuidance
from .network import MotionPro
from .settings import AS_RELEASED, SPARSE, ControlSettings, SvdSettings
from .unet import HEAD_CHANNELS

_ADVICE = (
    "Put MotionPro's checkpoint into a folder of stabilityai/stable-video-diffusion-img2vid (its "
    "vae and image_encoder), or name that folder."
)
# The text scale is that of guidance on the image at the last frame.
AS_SAMPLED = Defaults(25, 2.5, lambda text, motion: FrameGuidance(1.0, text, motion))


def load_model(
    checkpoint: Path,
    base: Path | None = None,
    weights: Literal["sparse", "dense"] = "sparse",
    dtype: Precision = "auto",
    decode_at_once: int = 16,
) -> TrackModel:
    """MotionPro by the settings of its family; see load_motionpro."""
    wanted = precision(dtype)
    settings = SvdSettings(decode_at_once=decode_at_once)
    control = ControlSettings(is_dense=weights == "dense")
    model = load_motionpro(checkpoint, base, settings=settings, control=control)
    network = model.network
    assert isinstance(network, MotionPro)
    for part in (network.unet, network.adapter, network.lora):
        part.to(wanted)
    return model


def load_motionpro(
    checkpoint: Path,
    base: Path | None = None,
    *,
    settings: SvdSettings = AS_RELEASED,
    control: ControlSettings = SPARSE,
    head_channels: int = HEAD_CHANNELS,
) -> TrackModel:
    """MotionPro ready for sampling.

    The U-Net keeps the dtype of the checkpoint; the rest is float32.

    Args:
        checkpoint: MotionPro-gs_16k.pt, or MotionPro_Dense-gs_14k.pt with
            ControlSettings(is_dense=True): the weights do not show which it is.
        base: A folder of Stable Video Diffusion with vae/ and image_encoder/, or None for the
            checkpoint's own folder.
        settings: How the networks are called.
        control: How tracks are read.
        head_channels: Channels of an attention head.

    Raises:
        FileNotFoundError, FormatError: For what is missing, broken or another model's.
    """
    source, folder = str(checkpoint), checkpoint.parent if base is None else base
    parts = split_checkpoint(read_weights(checkpoint), source)
    vae, clip = _vae(folder / "vae"), _image_encoder(folder / "image_encoder")
    unet, adapter, lora = build(parts, source, head_channels)
    width, wanted = clip.config.projection_dim, unet.config.cross_attention_dim
    if width != wanted:
        raise FormatError(
            f"the embeddings of {folder / 'image_encoder'} have {width} channels but the U-Net of "
            f"{checkpoint} reads {wanted}; choose the image_encoder of Stable Video Diffusion."
        )
    network = MotionPro(unet, vae, clip, adapter, lora).eval().requires_grad_(False)
    family = SvdFamily(network, settings)
    return TrackModel(
        "motionpro", family, MotionProControl(network, control), network, AS_SAMPLED, "image"
    )


def _vae(folder: Path) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import (
        AutoencoderKLTemporalDecoder,
    )

    check_class(folder, AutoencoderKLTemporalDecoder.__name__, _ADVICE)
    return diffusers_network(folder, AutoencoderKLTemporalDecoder, torch.float32)


def _image_encoder(folder: Path) -> Any:
    from transformers import CLIPVisionModelWithProjection

    config = check_class(folder, CLIPVisionModelWithProjection.__name__, _ADVICE)
    built = transformers_config(config, "clip_vision_model", folder / "config.json")
    return transformers_network(folder, CLIPVisionModelWithProjection, built, torch.float32)
