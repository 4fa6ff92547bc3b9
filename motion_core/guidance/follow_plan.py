"""What to follow, stated on pictures: masks and clocks turned into a DualClock on latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..geometry import Size
from ..masks import check_proportions
from ..progress import Progress, silent
from .clocks import EXACT, Clock, FollowScale
from .dual_clock import DualClock, FollowRegion
from .latent_mask import feathered, mask_on_latents


@dataclass(frozen=True, eq=False)
class RegionRequest:
    """A region of the pictures and how long it follows.

    Attributes:
        mask: (F, H, W) with one mask per picture, or (1, H, W) for all; 0..1.
        clock: When it is released.
        feather_px: Softness of its edge in pixels of the mask; see latent_mask.feathered.
    """

    mask: Tensor
    clock: Clock
    feather_px: float = 0.0


@dataclass(frozen=True, eq=False)
class DrawnRegion:
    """A region whose clock is stated as a follow value, before the model is known.

    Attributes:
        mask: As in RegionRequest.
        follow: The share of the model's own schedule after which it is released; see clocks.
        ramp: The share over which it is released.
        feather_px: As in RegionRequest.
    """

    mask: Tensor
    follow: float
    ramp: float = 0.0
    feather_px: float = 0.0

    def on(self, scale: FollowScale) -> RegionRequest:
        """The region for a kind of model. Raises ValueError for values out of range."""
        return RegionRequest(self.mask, scale.clock(self.follow, self.ramp), self.feather_px)


def planned(
    reference: Tensor,
    groups: Sequence[int],
    canvas: Size,
    background: Clock,
    regions: Sequence[RegionRequest],
    exact_frames: int = 0,
    progress: Progress = silent,
) -> DualClock:
    """The DualClock of a request.

    Args:
        reference: Clean latents, (1, C, T, h, w) or (T, C, h, w).
        groups: How many pictures each of the T latent frames covers.
        canvas: The size of the reference's pictures.
        background: The clock outside all regions.
        regions: Later ones lie over earlier ones.
        exact_frames: Pictures at the start that follow to the end; the latent frames that they
            fill.
        progress: Called while masks are feathered; it may raise to stop.

    Raises:
        CanvasError: A mask has other proportions than the reference.
        ShapeError, ValueError: As mask_on_latents and feathered.
    """
    made = [
        FollowRegion(
            _on_grid(_feathered(one, canvas, index, progress), reference, groups), one.clock
        )
        for index, one in enumerate(regions)
    ]
    frames = exact_latent_frames(groups, exact_frames)
    if frames:
        exact = torch.zeros(len(groups), *reference.shape[-2:])
        exact[:frames] = 1.0
        made.append(FollowRegion(_laid_out(exact, reference), EXACT))
    return DualClock(reference, background, tuple(made))


def exact_latent_frames(groups: Sequence[int], pictures: int) -> int:
    """How many latent frames the first pictures fill completely.

    Raises:
        ValueError: A negative number, or more pictures than there are.
    """
    if not 0 <= pictures <= sum(groups):
        raise ValueError(
            f"the reference has {sum(groups)} frames; {pictures} of them cannot be kept exact."
        )
    return sum(sum(groups[: index + 1]) <= pictures for index in range(len(groups)))


def _feathered(region: RegionRequest, canvas: Size, index: int, progress: Progress) -> Tensor:
    """(F, H, W), the soft mask of a region. Raises CanvasError for other proportions."""
    mask = region.mask[None] if region.mask.ndim == 2 else region.mask
    check_proportions(
        Size(mask.shape[-1], mask.shape[-2]),
        canvas,
        f"the mask of region {index + 1}",
        "Draw it on the reference video (Load Image gives an empty 64x64 mask for an image without "
        "transparency).",
    )
    return feathered(mask.float().clamp(0.0, 1.0), region.feather_px, progress)


def _on_grid(mask: Tensor, reference: Tensor, groups: Sequence[int]) -> Tensor:
    return _laid_out(mask_on_latents(mask, groups, *reference.shape[-2:]), reference)


def _laid_out(mask: Tensor, reference: Tensor) -> Tensor:
    """(T, h, w) in the reference's layout, with one channel."""
    return mask[None, None] if reference.ndim == 5 else mask[:, None]
