"""Loads MotionPro: its checkpoint, and a folder of Stable Video Diffusion beside it.

The checkpoint holds a U-Net trained on; autoencoder and CLIP are Stable Video Diffusion's own,
unchanged, and come from its folder in diffusers' layout.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import FormatError
from ...weights_io import read_weights
from ..pipelines import network_in
from ..registry import Defaults, TrackModel
from .checkpoint import build, split_checkpoint
from .family import MotionPro, MotionProTracks, SvdFamily
from .guidance import FrameGuidance
from .settings import AS_RELEASED, SPARSE, ControlSettings, SvdSettings
from .unet import HEAD_CHANNELS

_ADVICE = (
    "Put MotionPro's checkpoint into a folder of stabilityai/stable-video-diffusion-img2vid (its "
    "vae and image_encoder), or name that folder."
)
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
    from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import (
        AutoencoderKLTemporalDecoder,
    )
    from transformers import CLIPVisionModelWithProjection

    source, folder = str(checkpoint), checkpoint.parent if base is None else base
    weights = split_checkpoint(read_weights(checkpoint), source)
    vae = network_in(folder / "vae", AutoencoderKLTemporalDecoder, _ADVICE)
    clip = network_in(folder / "image_encoder", CLIPVisionModelWithProjection, _ADVICE)
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
