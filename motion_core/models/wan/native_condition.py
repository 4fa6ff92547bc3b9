"""What ComfyUI's own Wan gets beside the prompt: latents of the known frames, and their mask.

The masks have 1 where frames are made and 0 where they are known, as ComfyUI's nodes have them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...errors import ShapeError
from ...progress import Progress, silent
from ...tracks.model import Tracks
from .ati import SoftCopy, soft_copied_latent
from .latents import FRAME_STRIDE, KnownFrames
from .wan_move import copied_latent


@dataclass(frozen=True, eq=False)
class NativeCondition:
    """A condition of one clip.

    Attributes:
        latent: (1, C, T', h, w).
        mask: (1, 4, T', h, w), one channel for each of the pictures of a latent frame.
        known: The frames that hold pictures.
    """

    latent: Tensor
    mask: Tensor
    known: KnownFrames


def known_condition(latent: Tensor, known: KnownFrames) -> NativeCondition:
    """The condition without tracks, as for a start image and an end image.

    Args:
        latent: (1, C, T', h, w), of the known pictures and grey ones.
        known: Which are known.

    Raises:
        ShapeError: The latent has another shape.
        ValueError: No frame is left to make.
    """
    if latent.ndim != 5 or len(latent) != 1:
        raise ShapeError(f"a latent must be (1, C, T', h, w); got {tuple(latent.shape)}.")
    known.free(latent.shape[2])
    mask = latent.new_ones(1, FRAME_STRIDE, *latent.shape[2:])
    mask[:, :, : known.start] = 0
    if known.end:
        mask[:, -1, -1] = 0
    return NativeCondition(latent, mask, known)


def continued_condition(condition: NativeCondition, previous: Tensor) -> NativeCondition:
    """The condition whose known frames at the start are the last latents of another clip.

    Args:
        condition: Of the clip that goes on.
        previous: (1, C, P, h, w), the latents of the clip before it.

    Raises:
        ShapeError: They differ in size, or `previous` has fewer frames.
    """
    start, latent = condition.known.start, condition.latent
    fits = previous.ndim == 5 and previous.shape[:2] + previous.shape[3:] == (
        latent.shape[:2] + latent.shape[3:]
    )
    if not fits or previous.shape[2] < start:
        raise ShapeError(
            f"the previous latents are {tuple(previous.shape)}; {start} frames of the shape "
            f"{tuple(latent.shape)} are needed. Connect the sampler's latents of the window before "
            "this one, made at the same size."
        )
    latent = torch.cat([previous[:, :, -start:].to(latent), latent[:, :, start:]], dim=2)
    return replace(condition, latent=latent)


def with_copied_tracks(
    condition: NativeCondition, tracks: Tracks, strength: float = 1.0
) -> NativeCondition:
    """Wan-Move: features carried along tracks; the mask stays. Raises what copied_latent raises."""
    weights = torch.full((tracks.num_points,), strength)
    moved = copied_latent(condition.latent[0], tracks, weights, condition.known)
    return replace(condition, latent=moved[None])


def with_blended_tracks(
    condition: NativeCondition,
    tracks: Tracks,
    reach: SoftCopy,
    progress: Progress = silent,
) -> NativeCondition:
    """ATI: features blended around tracks, in the model's scale; the mask says how much.

    Raises what soft_copied_latent raises.
    """
    weight, blended = soft_copied_latent(
        condition.latent[0], tracks, None, reach, progress, condition.known
    )
    made = list(condition.known.free(condition.latent.shape[2]))
    mask = condition.mask.clone()
    mask[:, :, made] = 1.0 - weight[made].to(mask)
    return replace(condition, latent=blended[None], mask=mask)
