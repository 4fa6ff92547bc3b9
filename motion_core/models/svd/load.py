"""Loads MotionPro: its checkpoint, and a folder of Stable Video Diffusion beside it.

The checkpoint holds a fine-tuned U-Net. Autoencoder and CLIP are Stable Video Diffusion's own and
come from its folder in diffusers' layout. That folder alone is the plain model, which follows
tracks by an adapter that was trained here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from ...errors import FormatError
from ...model_folder import (
    check_class,
    diffusers_network,
    read_config,
    transformers_config,
    transformers_network,
)
from ...weights_io import check_sizes, read_weights
from ..detect import check_kind
from ..track_model import Defaults, Precision, TrackModel, precision
from .checkpoint import build, split_checkpoint
from .control import MotionProControl
from .family import SvdFamily
from .guidance import FrameGuidance
from .network import MotionPro, SvdNetworks, with_adapter
from .settings import AS_RELEASED, SPARSE, ControlSettings, SvdSettings
from .signatures import TRACK_CONTROLNET
from .unet import HEAD_CHANNELS, normalise_as_trained
from .weights import load_track_controlnet

_ADVICE = (
    "Put MotionPro's checkpoint into a folder of stabilityai/stable-video-diffusion-img2vid (its "
    "vae and image_encoder), or name that folder."
)
# The text scale is that of guidance on the image at the last frame.
AS_SAMPLED = Defaults(25, 2.5, lambda text, motion: FrameGuidance(1.0, text, motion))

# Stable Video Diffusion as released; 127 is its motion bucket for usual motion.
PLAIN_AS_SAMPLED = replace(AS_SAMPLED, text_scale=3.0)
PLAIN_FPS, PLAIN_BUCKET = 6.0, 127.0
MOST_FRAMES = 1024


def load_model(
    checkpoint: Path,
    base: Path | None = None,
    weights: Literal["sparse", "dense"] = "sparse",
    dtype: Precision = "auto",
    decode_at_once: int = 16,
) -> TrackModel:
    """MotionPro by the settings of its family; see load_motionpro.

    A checkpoint that is a folder is plain Stable Video Diffusion; see load_svd.
    """
    wanted = precision(dtype)
    if checkpoint.is_dir():
        return load_svd(checkpoint, decode_at_once, wanted)
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


def load_svd(
    folder: Path, decode_at_once: int = 16, dtype: torch.dtype | None = None
) -> TrackModel:
    """Stable Video Diffusion without control, ready for a Track-ControlNet.

    Args:
        folder: A release in diffusers' layout, with unet, vae and image_encoder.
        decode_at_once: See SvdSettings.
        dtype: Of the U-Net; None for that of its file. The rest is float32.

    Raises:
        FileNotFoundError, FormatError: For what is missing, broken or another model's.
    """
    from diffusers.models.unets.unet_spatio_temporal_condition import (
        UNetSpatioTemporalConditionModel,
    )

    place = folder / "unet"
    check_class(place, UNetSpatioTemporalConditionModel.__name__, _ADVICE)
    check_sizes(read_config(place / "config.json"), ("num_frames",), place, MOST_FRAMES)
    unet = diffusers_network(place, UNetSpatioTemporalConditionModel, dtype)
    normalise_as_trained(unet)
    parts = (unet, _vae(folder / "vae"), _image_encoder(folder / "image_encoder"))
    network = SvdNetworks(*parts).eval().requires_grad_(False)
    frames = int(unet.config.num_frames)
    settings = SvdSettings(frames, PLAIN_FPS, PLAIN_BUCKET, decode_at_once=decode_at_once)
    family = SvdFamily(network, settings)
    return TrackModel("motionpro", family, None, network, PLAIN_AS_SAMPLED, "image")


def with_track_controlnet(model: TrackModel, file: Path) -> TrackModel:
    """Stable Video Diffusion under the adapter in a file, in place of its present control.

    Args:
        model: Plain, or MotionPro, whose own adapter and LoRA are not used then.
        file: That the training wrote.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken, of another kind, or made for another base.
    """
    check_kind(file, TRACK_CONTROLNET)
    family: Any = model.model
    network = with_adapter(family.network, load_track_controlnet(file, family.network.unet))
    return replace(model, control=MotionProControl(network), network=network)


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
