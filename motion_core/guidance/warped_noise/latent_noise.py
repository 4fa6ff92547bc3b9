"""Noise of the shape of a latent, which follows the motion of a clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ...errors import ShapeError
from ...fields.motion_field import MotionField
from ...geometry import Size, same_proportions
from ...progress import Progress, silent
from .field_flow import flows_of_field
from .noise import DETAIL, NoiseGrid, degraded, warped_noise
from .step_flow import StepFlow
from .video_flow import MeasureFlow, flows_of_video

# Separates the seeds of the entries of a batch; odd, so no two of them meet.
SEED_STEP = 0x9E3779B97F4A7C15


class MotionSource(Protocol):
    """A motion that noise can follow."""

    @property
    def frames(self) -> int:
        """Of the clip."""
        ...

    @property
    def size(self) -> Size:
        """The canvas of the clip."""
        ...

    def flows(
        self, frames: Sequence[int], grid: Size, progress: Progress = silent
    ) -> Iterator[StepFlow]:
        """The steps between chosen frames on a grid of cells.

        progress is called with 0 done while they are prepared.
        """
        ...


@dataclass(frozen=True, eq=False)
class FieldMotion:
    """The motion of a field, refined along the edges of frame 0 (H, W, 3) where it is given."""

    field: MotionField
    image: Tensor | None = None

    @property
    def frames(self) -> int:
        """Of the field."""
        return self.field.frames

    @property
    def size(self) -> Size:
        """The canvas of the field."""
        return self.field.size

    def flows(
        self, frames: Sequence[int], grid: Size, progress: Progress = silent
    ) -> Iterator[StepFlow]:
        """See flows_of_field."""
        return flows_of_field(self.field, frames, grid, self.image, progress)


@dataclass(frozen=True, eq=False)
class VideoMotion:
    """The motion of a video (T, H, W, 3) by optical flow."""

    video: Tensor
    measure: MeasureFlow

    @property
    def frames(self) -> int:
        """Of the video."""
        return len(self.video)

    @property
    def size(self) -> Size:
        """Of the video."""
        return Size(self.video.shape[2], self.video.shape[1])

    def flows(
        self, frames: Sequence[int], grid: Size, progress: Progress = silent
    ) -> Iterator[StepFlow]:
        """See flows_of_video."""
        return flows_of_video(self.video, frames, grid, self.measure)


@dataclass(frozen=True)
class NoiseSettings:
    """How a noise is made.

    Attributes:
        seed: Of all random numbers, 0 or more.
        degradation: gamma; 0 is warped noise, 1 white noise. See degraded.
        detail: Cells along the side of a latent cell.
    """

    seed: int = 0
    degradation: float = 0.0
    detail: int = DETAIL


def latent_noise(
    shape: Sequence[int],
    motion: MotionSource,
    settings: NoiseSettings,
    entries: Sequence[int] | None = None,
    progress: Progress = silent,
) -> Tensor:
    """Warped noise for a latent, without the mixture with white noise.

    Latent frame k of T' shows frame k (T - 1) / (T' - 1), for every stride in time that the
    autoencoders of video models have.

    Args:
        shape: (B, C, T', H, W), or (T', C, H, W) as image models of video take it.
        motion: Of T frames.
        settings: Seed and detail; the degradation plays no part.
        entries: B numbers of the entries of a batch, on which their noise depends; None numbers
            them from 0.
        progress: Called per latent frame; it may raise to stop.

    Returns:
        float32 of `shape` on the CPU. Entries of a batch follow the same motion with other noise.

    Raises:
        ShapeError: The shape is no latent of a clip, or of another number of frames.
        ValueError: The latent has other proportions than the clip.
    """
    is_stack = len(shape) == 4
    if len(shape) not in (4, 5) or 0 in shape:
        raise ShapeError(
            f"a latent must be (B, C, T, H, W), or (T, C, H, W) for image models; got "
            f"{tuple(shape)}. Connect the empty latent of a video model."
        )
    batch, channels = (1, shape[1]) if is_stack else (shape[0], shape[1])
    count, size = (shape[0] if is_stack else shape[2]), Size(shape[-1], shape[-2])
    frames = _frames(count, motion.frames)
    if not same_proportions(size, motion.size):
        raise ValueError(
            f"the latent has {size} cells, but the motion is of a clip of {motion.size} pixels, "
            "which has other proportions. Make the latent for the size of the clip."
        )
    numbers = range(batch) if entries is None or is_stack else entries
    seeds = [(settings.seed + SEED_STEP * (number + 1)) % 2**63 for number in numbers]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    grid = NoiseGrid(size, count, batch * channels, settings.detail)
    noise = warped_noise(motion.flows(frames, grid.fine, progress), grid, generators, progress)
    if is_stack:
        return noise
    return noise.view(count, batch, channels, size.height, size.width).permute(1, 2, 0, 3, 4)


def white_noise(
    like: Tensor,
    generator: torch.Generator,
    entries: Sequence[int] | None = None,
    progress: Progress = silent,
) -> Tensor:
    """The noise that ComfyUI's Random Noise makes from the same generator.

    Args:
        like: A latent with the batch first; gives shape and dtype.
        generator: On the CPU, freshly seeded or after other parts of the same latent.
        entries: B numbers of entries of a larger batch; None draws the batch at once.
        progress: Called per entry of the larger batch; it may raise to stop.
    """
    if entries is None:
        return torch.randn(like.shape, generator=generator).to(like.dtype)
    shape, count = (1, *like.shape[1:]), max(entries) + 1
    drawn: dict[int, Tensor] = {}
    for number in range(count):
        noise = torch.randn(shape, generator=generator)
        if number in entries:
            drawn[number] = noise
        progress(number + 1, count)
    return torch.cat([drawn[number] for number in entries]).to(like.dtype)


def mixed_noise(warped: Tensor, white: Tensor, degradation: float) -> Tensor:
    """See degraded; contiguous, with the dtype of `white`."""
    return degraded(warped.to(white), white, degradation).contiguous()


def _frames(count: int, frames: int) -> list[int]:
    """The frame of the clip that each latent frame shows."""
    if count < 2:
        raise ShapeError(
            "the latent has a single frame, so nothing moves. Connect the empty latent of a clip."
        )
    stride, rest = divmod(frames - 1, count - 1)
    if rest or stride < 1:
        fitting = ", ".join(str((count - 1) * one + 1) for one in (1, 4, 6, 8))
        raise ShapeError(
            f"the motion has {frames} frames, but {count} latent frames stand for {fitting} (for a "
            "model that compresses time by 1, 4, 6 or 8). Give the latent the length of the "
            "motion, or use Retime Tracks."
        )
    return [number * stride for number in range(count)]
