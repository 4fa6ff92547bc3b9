"""The grid of Wan's autoencoder: one frame, then groups of four, on 8x8 pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ...geometry import Size
from ...tracks.arguments import whole_number
from ...tracks.model import Tracks

FRAME_STRIDE = 4
CELL_PX = 8


@dataclass(frozen=True)
class KnownFrames:
    """The latent frames of a clip that hold pictures before it is made; the others are empty.

    Attributes:
        start: How many at the start: 1 for a start image, more where a clip goes on from another.
        end: Whether the last one holds an end image.

    Raises:
        TypeError, ValueError: For fewer than one at the start.
    """

    start: int = 1
    end: bool = False

    def __post_init__(self) -> None:
        whole_number("start", self.start, least=1)

    def free(self, latent_frames: int) -> range:
        """The latent frames to which tracks reach: those after the start, and before an end image.

        Raises ValueError where the whole clip is known.
        """
        if self.start >= latent_frames:
            raise ValueError(
                f"{self.start} of {latent_frames} latent frames are known, so no frame is left to "
                "make. Use fewer known frames or a longer clip."
            )
        return range(self.start, latent_frames - self.end)


START_IMAGE = KnownFrames()


def latent_frames(frames: int) -> int:
    """T', how many latent frames a clip of 4k+1 frames has. Raises ValueError for other lengths."""
    if frames < 1 or (frames - 1) % FRAME_STRIDE:
        below = max(frames - 1, 0) // FRAME_STRIDE * FRAME_STRIDE + 1
        raise ValueError(
            f"Wan makes 4k+1 frames (1, 5, 9, ... 81); got {frames}. Use {below} or "
            f"{below + FRAME_STRIDE}."
        )
    return (frames - 1) // FRAME_STRIDE + 1


def check_size(size: Size, multiple: int) -> None:
    """Raises ValueError for a picture whose sides are not multiples of what the model needs."""
    if size.width % multiple or size.height % multiple:
        near = [max(round(side / multiple), 1) * multiple for side in size]
        raise ValueError(
            f"Wan needs an image with sides that are multiples of {multiple}; got {size}. Resize "
            f"or crop it, for instance to {near[0]}x{near[1]}, and the tracks with it."
        )


def anchor_frames(present: Tensor) -> Tensor:
    """(N,) int64, the first of K known frames in which each track is present; -1 for none.

    Args:
        present: (K, N) bool.
    """
    first = present.to(torch.uint8).argmax(dim=0)
    return torch.where(present.any(dim=0), first, -1)


def check_latent(latent: Tensor, tracks: Tracks, weights: Tensor | None) -> Tensor:
    """The weights of the tracks, after a check that all arguments agree.

    Args:
        latent: (C, T', H, W).
        tracks: N of them.
        weights: (N,) 0..1, or None for 1.

    Returns:
        (N,) weights.

    Raises:
        TypeError, ShapeError: The arguments do not agree.
    """
    if not latent.is_floating_point():
        raise TypeError(f"a latent is floating point; got {latent.dtype}.")
    if latent.ndim != 4 or 0 in latent.shape:
        raise ShapeError(f"a latent must be (C, T', H, W), none of them 0; got {_of(latent)}.")
    frames = (latent.shape[1] - 1) * FRAME_STRIDE + 1
    if tracks.num_frames != frames:
        raise ShapeError(
            f"a latent of {latent.shape[1]} frames stands for {frames} frames but the tracks have "
            f"{tracks.num_frames}; resample them first (Retime Tracks)."
        )
    if weights is None:
        return torch.ones(tracks.num_points, device=tracks.device)
    if weights.shape != (tracks.num_points,):
        raise ShapeError(f"weights must be (N,) = ({tracks.num_points},); got {_of(weights)}.")
    return weights.to(tracks.device, torch.float32)


def _of(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
