"""The latents of ComfyUI's MODELs: which are video, in which layout, and references in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..motion_core.errors import ShapeError
from ..motion_core.guidance.latent_mask import causal_groups
from . import host
from .wire_host import check_latents, nested_tensors

# Image models whose latents have a time axis.
IMAGE_CLASSES = {"QwenImage", "MageFlow", "Anima", "Kandinsky5Image", "HunyuanImage21Refiner"}
FAMILY_OF_CLASS = {
    "SVD_img2vid": "svd",
    "SV3D_u": "svd",
    "SV3D_p": "svd",
    "CogVideoX": "cogvideox",
    "LTXV": "ltx",
    "LTXAV": "ltx",
    "HunyuanVideo": "hunyuan",
    "HunyuanVideoI2V": "hunyuan",
    "HunyuanVideoSkyreelsI2V": "hunyuan",
    "HunyuanVideo15": "hunyuan",
    "GenmoMochi": "mochi",
    "MiniMaxH3": "minimax",
    "Kandinsky5": "kandinsky",
}
# MiniMax-H3's VAE begins a new causal group every 17 pictures.
MINIMAX_GROUPS = (1, 4, 4, 4, 4)


@dataclass(frozen=True)
class VideoFormat:
    """The latents of a video model.

    Attributes:
        name: The model's class.
        channels: C of the video latents.
        space_stride: Pixels per latent along each side.
        time_stride: Pictures per latent frame after the first.
        is_batch: Frames are the batch, (T, C, h, w), instead of (1, C, T, h, w).
        cycle: How many pictures each latent frame covers, repeated, where it is not the first alone
            and then time_stride.
    """

    name: str
    channels: int
    space_stride: int
    time_stride: int
    is_batch: bool
    cycle: tuple[int, ...] = ()

    def groups(self, latent_frames: int) -> tuple[int, ...]:
        """How many pictures each of the latent frames covers."""
        if self.cycle:
            return tuple(self.cycle[i % len(self.cycle)] for i in range(latent_frames))
        return causal_groups(latent_frames, self.time_stride)

    def latent_frames(self, pictures: int) -> int:
        """The most latent frames that this many pictures fill."""
        frames = 1
        while sum(self.groups(frames + 1)) <= pictures:
            frames += 1
        return frames


def class_name(model: Any) -> str:
    """The class of a MODEL's network in the host, such as WAN21."""
    return type(model.model).__name__


def family_of(model: Any) -> str:
    """The key of a MODEL's clocks in motion_core.guidance.clocks.FAMILIES."""
    name = class_name(model)
    if name.startswith("WAN"):
        return "wan"
    return FAMILY_OF_CLASS.get(name, "flow")


def video_format(model: Any) -> VideoFormat:
    """The latents of a MODEL.

    Raises:
        ValueError: It does not generate video.
    """
    name = class_name(model)
    config = getattr(getattr(model.model, "model_config", None), "unet_config", None) or {}
    latents = _latent_format(model)
    is_batch = bool(config.get("use_temporal_attention")) or _has_motion_module(model)
    is_video = latents.latent_dimensions == 3 and name not in IMAGE_CLASSES
    if not is_video and not (latents.latent_dimensions == 2 and is_batch):
        raise ValueError(
            f"this MODEL ({name}) does not generate video, so it has no motion to follow. Connect "
            "a video model, such as Wan, LTX, HunyuanVideo, CogVideoX, Mochi or Stable Video "
            "Diffusion, or an image model with an AnimateDiff motion module."
        )
    channels, cycle = latents.latent_channels, ()
    if name == "MiniMaxH3":
        channels, cycle = config.get("latents_dim", channels), MINIMAX_GROUPS
    space_stride = getattr(latents, "spacial_downscale_ratio", 8)
    time_stride = getattr(latents, "temporal_downscale_ratio", 1)
    if not all(isinstance(stride, int) and stride > 0 for stride in (space_stride, time_stride)):
        raise ValueError(
            f"this MODEL ({name}) states that its latents cover {space_stride} pixels and "
            f"{time_stride} frames; expected whole numbers. Update the pack whose node made it."
        )
    return VideoFormat(name, channels, space_stride, time_stride, not is_video, cycle)


def _latent_format(model: Any) -> Any:
    """The host's description of a MODEL's latents. Raises ValueError where it has none."""
    try:
        found = model.get_model_object("latent_format")
    except (AttributeError, KeyError):
        found = None
    numbers = [getattr(found, word, None) for word in ("latent_dimensions", "latent_channels")]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ValueError(
            f"this MODEL ({class_name(model)}) does not state what its latents are, so no video "
            "can be encoded for it. Connect a video model of ComfyUI's own classes."
        )
    return found


def _has_motion_module(model: Any) -> bool:
    """Whether an AnimateDiff node has put a motion module into an image model."""
    keys = [*getattr(model, "injections", {}), *getattr(model, "attachments", {})]
    keys += [key for kind in getattr(model, "wrappers", {}).values() for key in kind]
    words = (str(key).lower() for key in [*keys, *getattr(model, "additional_models", {})])
    return any("animatediff" in word or word.startswith("ade_") for word in words)


def encoded_reference(model: Any, vae: Any, pictures: Tensor) -> Tensor:
    """The latents of a reference video, in the scale of the VAE.

    Args:
        model: The MODEL that will follow it.
        vae: The host's VAE.
        pictures: (F, H, W, 3) in 0..1; F fills whole latent frames.

    Returns:
        (1, C, T, h, w), or (T, C, h, w) where frames are the batch.

    Raises:
        ValueError: The VAE is another model's, or the size is not a multiple of its stride.
    """
    wanted = video_format(model)
    _check_channels(wanted, getattr(vae, "latent_channels", wanted.channels))
    height, width = pictures.shape[1:3]
    stride = wanted.space_stride
    if height % stride or width % stride:
        raise ValueError(
            f"the reference is {width}x{height} pixels; the latents of this model ({wanted.name}) "
            f"cover {stride}x{stride} pixels each, so both sides must be multiples of {stride}: "
            f"put an Upscale Image to {round(width / stride) * stride}x"
            f"{round(height / stride) * stride} before Follow Motion."
        )
    latents = encoded(vae, pictures)
    frames = wanted.latent_frames(len(pictures))
    shape = (frames,) if wanted.is_batch else (1,)
    shape += (wanted.channels,) if wanted.is_batch else (wanted.channels, frames)
    shape += (height // stride, width // stride)
    if latents.ndim == 5 and wanted.is_batch:
        latents = latents[0].transpose(0, 1)
    if tuple(latents.shape) != shape:
        raise ValueError(
            f"this VAE gives latents of the shape {tuple(latents.shape)} for the reference; the "
            f"model ({wanted.name}) expects {shape}. Connect the VAE that belongs to the model."
        )
    return latents


def encoded(vae: Any, pictures: Tensor) -> Tensor:
    """The latents that a VAE makes of pictures.

    Raises:
        TypeError, ShapeError, ValueError: What check_latents raises for a VAE's result.
    """
    latents = host.within_memory(lambda: vae.encode(pictures))
    return check_latents(latents, "the VAE's latents of the reference")


def continued_latents(
    latent: dict[str, Any], previous: dict[str, Any], count: int
) -> dict[str, Any]:
    """A LATENT whose first frames are another one's last and are kept, by its noise mask.

    Args:
        latent: Of the next window, (1, C, T, h, w); it may have a noise mask, and sound beside it.
        previous: Of the window before.
        count: Latent frames that both share.

    Raises:
        ShapeError: They differ in size, or have too few frames.
    """
    video, before = _video_of(latent), _video_of(previous)
    fits = video.ndim == 5 and before.ndim == 5 and video.shape[:2] == before.shape[:2]
    if not fits or video.shape[3:] != before.shape[3:]:
        raise ShapeError(
            f"the latents are {tuple(video.shape)} and the previous ones {tuple(before.shape)}. "
            "Connect latents of one video model, one clip, and one size."
        )
    if not 0 < count < video.shape[2] or count > before.shape[2]:
        raise ShapeError(
            f"{count} latent frames cannot be shared by clips of {before.shape[2]} and "
            f"{video.shape[2]} latent frames; share fewer."
        )
    samples, mask = video.clone(), latent.get("noise_mask")
    samples[:, :, :count] = before[:, :, -count:].to(video)
    if mask is None or getattr(mask, "is_nested", False):
        mask = video.new_ones(1, 1, *video.shape[2:])
    if mask.ndim != 5 or mask.shape[2] != video.shape[2]:
        raise ShapeError(
            f"the noise mask of the latents is {tuple(mask.shape)}; expected one value for each "
            f"latent frame, (1, 1, {video.shape[2]}, h, w). Leave it out before this node."
        )
    mask = mask.clone()
    mask[:, :, :count] = 0.0
    if not getattr(latent["samples"], "is_nested", False):
        return {**latent, "samples": samples, "noise_mask": mask}
    rest = latent["samples"].unbind()[1:]
    nested = type(latent["samples"])
    masks = nested([mask, *(torch.ones_like(one) for one in rest)])
    return {**latent, "samples": nested([samples, *rest]), "noise_mask": masks}


def _video_of(latent: dict[str, Any]) -> Tensor:
    return nested_tensors(latent["samples"])[0]


def _check_channels(wanted: VideoFormat, channels: int) -> None:
    if channels != wanted.channels:
        raise ValueError(
            f"this VAE makes latents with {channels} channels; the model ({wanted.name}) works on "
            f"{wanted.channels}. Connect the VAE that belongs to the model."
        )
