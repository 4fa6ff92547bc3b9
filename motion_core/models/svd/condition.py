"""MotionPro's conditions (2505.20287): displacement on small regions, and a motion mask."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Tensor

from ...geometry import Size
from ...progress import Progress, silent
from ...raster import region_flow
from ...tracks.model import Tracks
from ...tracks.time import resample

# moving: where mean_t |p_t - p_0|^2 > 1 pixel^2, as the training data was masked; a tracker's
# jitter on what stands still stays out. drawn: wherever a region moves at all, as the released
# demonstration masks the drags of its users.
MaskRule = Literal["moving", "drawn"]

FRAMES = 16
MOVING_PX2 = 1.0


def region_condition(
    tracks: Tracks,
    size: Size,
    *,
    frames: int = FRAMES,
    brush: Tensor | None = None,
    rule: MaskRule = "moving",
    progress: Progress = silent,
) -> Tensor:
    """Region-wise trajectory and motion mask.

    Channels 0 and 1 are the displacement since frame 0 in pixels of `size`, on the 8x8 block where
    each track starts (see region_flow; blocks at the border are cut off, where the released code
    drops them). Channel 2 is the same in every frame: 1 where motion is expected, by the rule or
    where the brush is not zero. Tracks of another length are resampled by PCHIP.

    Args:
        tracks: On any canvas.
        size: Of the condition.
        frames: T of the condition.
        brush: (H, W), or None.
        rule: Of the motion mask.
        progress: Callback.

    Returns:
        (frames, 3, H, W) float32.

    Raises:
        ValueError: The rule is unknown.

    Also raises what region_flow and resample raise.
    """
    checked_rule(rule)
    flow = region_flow(resample(tracks, frames, "pchip"), size, brush=brush, progress=progress)
    condition = flow.permute(0, 3, 1, 2).contiguous()
    if rule == "moving":
        mask = condition[:, :2].square().sum(1).mean(0) > MOVING_PX2
        if brush is not None:
            mask |= (brush != 0).to(mask.device)
        condition[:, 2] = mask.float()
    return condition


def checked_rule(rule: MaskRule) -> MaskRule:
    """The rule itself. Raises ValueError for an unknown one."""
    if rule not in get_args(MaskRule):
        raise ValueError(f"the motion mask's rule must be one of {get_args(MaskRule)}; got {rule}.")
    return rule


def dense_condition(
    tracks: Tracks, size: Size, *, frames: int = FRAMES, progress: Progress = silent
) -> Tensor:
    """Displacement and visibility: the condition of MotionPro-Dense.

    Tracks should start everywhere: on every pixel, or on a grid of spacing 8 (each stands for the
    8x8 block around its start). Channels 0 and 1 are those of region_condition. Channel 2 is 1 in
    the frames in which the content of the block is visible.

    Args:
        tracks: On any canvas.
        size: Of the condition.
        frames: T of the condition.
        progress: Callback.

    Returns:
        (frames, 3, H, W) float32.

    Raises:
        The errors of region_flow and resample.
    """
    tracks = resample(tracks, frames, "pchip")
    flow = region_flow(tracks, size, progress=progress)
    # A second clip in which every track has moved a pixel shows where each is visible.
    moved = torch.cat([tracks.xy[:1], (tracks.xy[:1] + 1.0).expand_as(tracks.xy)])
    visible = torch.cat([tracks.visible[:1], tracks.visible])
    visible_there = region_flow(replace(tracks, xy=moved, visible=visible), size)[1:, ..., 0] != 0
    return (
        torch.cat([flow[..., :2], visible_there[..., None].float()], -1)
        .permute(0, 3, 1, 2)
        .contiguous()
    )


def mean_motion(condition: Tensor) -> float:
    """Mean length of the displacement in pixels: MotionPro's motion bucket for dense flow."""
    return float(condition[:, :2].norm(dim=1).mean())
