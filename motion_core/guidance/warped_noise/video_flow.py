"""Steps of noise from the optical flow of a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import ShapeError
from ...geometry import Size
from ...progress import Progress, silent
from .step_flow import StepFlow

# Sundaram, Brox and Keutzer, ECCV 2010, equation 5; pixels.
CONSISTENT_SHARE, CONSISTENT_PX2 = 0.01, 0.5

# (H, W, 3) and (H, W, 3) float 0..1 to (H, W, 2) pixels: the motion of every pixel of the first.
MeasureFlow = Callable[[Tensor, Tensor], Tensor]


def flows_of_video(
    video: Tensor,
    frames: Sequence[int],
    grid: Size,
    measure: MeasureFlow,
    progress: Progress = silent,
) -> Iterator[StepFlow]:
    """The steps between chosen frames of a video.

    Content counts as visible in both frames where forward and backward flow agree.

    Args:
        video: (T, H, W, 3) float 0..1.
        frames: Ascending indices of frames. Frames between them take part: their flows are chained.
        grid: Columns and rows of the noise.
        measure: Optical flow of two pictures.
        progress: Called per pair of frames.

    Yields:
        One StepFlow for each pair of successive chosen frames.

    Raises:
        ShapeError: The video is not (T, H, W, 3).
        ValueError: An index is no frame of the video.
    """
    if video.ndim != 4 or video.shape[-1] != 3:
        raise ShapeError(f"a video is (T, H, W, 3); got {tuple(video.shape)}.")
    if not frames or min(frames) < 0 or max(frames) >= len(video):
        raise ValueError(f"frames must lie in 0..{len(video) - 1}; got {list(frames)}.")
    total = max(frames[-1] - frames[0], 1)
    for first, last in zip(frames, frames[1:], strict=False):
        forward = torch.zeros(*video.shape[1:3], 2)
        backward = torch.zeros_like(forward)
        for frame in range(first, last):
            there = measure(video[frame], video[frame + 1])
            back = measure(video[frame + 1], video[frame])
            forward = forward + sampled(there, forward)
            backward = back + sampled(backward, back)
            progress(frame + 1 - frames[0], total)
        yield flow_on_grid(forward, backward, grid)


def flow_on_grid(forward: Tensor, backward: Tensor, grid: Size) -> StepFlow:
    """A step on a grid of cells from flows in pixels.

    Args:
        forward: (H, W, 2), motion of the pixels of the earlier frame.
        backward: (H, W, 2), motion of the pixels of the later frame to the earlier one.
        grid: Columns and rows.
    """
    shown, known = consistent(forward, backward), consistent(backward, forward)
    height, width = forward.shape[:2]
    scale = forward.new_tensor([grid.width / width, grid.height / height])
    planes = torch.cat([forward * scale, backward * scale, shown[..., None], known[..., None]], -1)
    sized = functional.interpolate(
        planes.permute(2, 0, 1)[None], (grid.height, grid.width), mode="bilinear"
    )[0].permute(1, 2, 0)
    return StepFlow(sized[..., :2], sized[..., 4] > 0.5, sized[..., 2:4], sized[..., 5] > 0.5)


def consistent(flow: Tensor, opposite: Tensor) -> Tensor:
    """(H, W) bool: a pixel that moves along `flow` and then along `opposite` returns."""
    back = sampled(opposite, flow)
    gap = (flow + back).square().sum(-1)
    length = flow.square().sum(-1) + back.square().sum(-1)
    return gap <= CONSISTENT_SHARE * length + CONSISTENT_PX2


def sampled(values: Tensor, flow: Tensor) -> Tensor:
    """(H, W, D) values, bilinearly, where each pixel is after moving along a flow (H, W, 2)."""
    height, width = flow.shape[:2]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = torch.stack([x, y], -1).to(flow) + 0.5 + flow
    at = place / flow.new_tensor([width, height]) * 2 - 1
    planes = values.permute(2, 0, 1)[None].to(flow)
    found = functional.grid_sample(planes, at[None], padding_mode="border", align_corners=False)
    return found[0].permute(1, 2, 0)
