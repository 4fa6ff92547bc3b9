"""Tracks in the conditioning of ComfyUI's own Wan: what the node Tracks to Wan does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..motion_core.errors import CanvasError, ShapeError
from ..motion_core.geometry import Size
from ..motion_core.models.wan.ati import SoftCopy
from ..motion_core.models.wan.latents import (
    FRAME_STRIDE,
    KnownFrames,
    anchor_frames,
    check_size,
    latent_frames,
)
from ..motion_core.models.wan.native_condition import (
    NativeCondition,
    continued_condition,
    known_condition,
    with_blended_tracks,
    with_copied_tracks,
)
from ..motion_core.progress import Progress
from ..motion_core.tracks import Tracks, inside_canvas
from .host_latents import encoded

WAN_CHANNELS = 16
GREY = 0.5


@dataclass(frozen=True, eq=False)
class WanClip:
    """One clip for Wan-Move or ATI.

    Attributes:
        tracks: On the canvas of the video, as long as the clip.
        start: (S, H, W, 3) in 0..1, the known pictures at the start.
        end: (H, W, 3), a known last picture, or None.
        previous: Latents of the clip before, whose last frames are the first of this one, or None.
    """

    tracks: Tracks
    start: Tensor
    end: Tensor | None = None
    previous: Tensor | None = None


def conditions(
    vae: Any, clip: WanClip, follow: dict[str, Any], progress: Progress
) -> tuple[NativeCondition, NativeCondition]:
    """The condition with tracks, and the one without.

    Args:
        vae: The host's VAE of Wan.
        clip: What is known.
        follow: {"follow": "wan_move", "strength": ...} or {"follow": "ati", "temperature": ...,
            "nearest": ...}.
        progress: Called while tracks are blended.

    Raises:
        CanvasError, ShapeError, ValueError: Inputs that do not fit together; the message says what
            to connect.
    """
    known = _known(clip)
    plain = known_condition(_encoded(vae, clip), known)
    if clip.previous is not None:
        plain = continued_condition(plain, clip.previous)
    if follow["follow"] == "wan_move":
        return with_copied_tracks(plain, clip.tracks, follow["strength"]), plain
    scaled = NativeCondition(_scale().process_in(plain.latent), plain.mask, known)
    reach = SoftCopy(follow["temperature"], follow["nearest"])
    blended = with_blended_tracks(scaled, clip.tracks, reach, progress)
    free = list(known.free(latent_frames(clip.tracks.num_frames)))
    latent = plain.latent.clone()
    latent[:, :, free] = _scale().process_out(blended.latent[:, :, free])
    return NativeCondition(latent, blended.mask, known), plain


def conditioned(conditioning: Any, condition: NativeCondition, image_embeds: Any = None) -> Any:
    """A CONDITIONING with a condition, and with the output of a CLIP vision model where given."""
    values = {"concat_latent_image": condition.latent, "concat_mask": condition.mask}
    if image_embeds is not None:
        values["clip_vision_output"] = image_embeds
    return [[text, {**beside, **values}] for text, beside in conditioning]


def anchored(clip: WanClip) -> int:
    """How many tracks have features to carry: those in a known frame."""
    known = _known(clip)
    present = (clip.tracks.visible & inside_canvas(clip.tracks))[
        : FRAME_STRIDE * known.start : FRAME_STRIDE
    ]
    return int((anchor_frames(present) >= 0).sum())


def _known(clip: WanClip) -> KnownFrames:
    count = len(clip.start)
    if (count - 1) % FRAME_STRIDE:
        raise ValueError(
            f"start_images has {count} images; Wan's latents begin with 1, 5, 9, ... frames. "
            "Connect one image, or the last 4k+1 frames of the window before (the overlap of Track "
            "Window)."
        )
    known = KnownFrames((count - 1) // FRAME_STRIDE + 1, clip.end is not None)
    known.free(latent_frames(clip.tracks.num_frames))
    return known


def _encoded(vae: Any, clip: WanClip) -> Tensor:
    """(1, 16, T', h, w) latents of the known pictures and of grey ones between them."""
    size = Size(clip.start.shape[2], clip.start.shape[1])
    check_size(size, 16)
    if clip.tracks.size != size:
        raise CanvasError(
            f"start_images are {size} but the tracks are on {clip.tracks.size}. Put Transform "
            "Tracks (fit) before this node, with the image it uses."
        )
    channels = getattr(vae, "latent_channels", WAN_CHANNELS)
    if channels != WAN_CHANNELS:
        raise ValueError(
            f"this VAE makes latents with {channels} channels; Wan-Move and ATI are Wan 2.1 models "
            f"with {WAN_CHANNELS}. Connect the VAE of Wan 2.1."
        )
    frames = clip.tracks.num_frames
    pictures = torch.full((frames, size.height, size.width, 3), GREY)
    pictures[: len(clip.start)] = clip.start[:frames]
    if clip.end is not None:
        if tuple(clip.end.shape) != (size.height, size.width, 3):
            raise CanvasError(
                f"the end image is {clip.end.shape[1]}x{clip.end.shape[0]} and the start image "
                f"{size}. Put Upscale Image to {size} before this node."
            )
        pictures[-1] = clip.end
    latent = encoded(vae, pictures)
    shape = (1, WAN_CHANNELS, latent_frames(frames), size.height // 8, size.width // 8)
    if tuple(latent.shape) != shape:
        raise ShapeError(
            f"this VAE gives latents of the shape {tuple(latent.shape)}; Wan 2.1 has {shape} for "
            "this clip. Connect the VAE of Wan 2.1."
        )
    return latent


def _scale() -> Any:
    """The host's scale of Wan's latents; blending is not linear, so it happens there."""
    from comfy.latent_formats import Wan21

    return Wan21()
