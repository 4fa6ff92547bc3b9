"""MotionPro (2505.20287) as a control of Stable Video Diffusion: region flow and motion mask."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...errors import ShapeError
from ...masks import mask_on_canvas
from ...tracks.model import Tracks
from ...tracks.select import select
from ..lora import MergedOnce
from ..protocols import GenerationRequest
from .condition import MaskRule, checked_rule, dense_condition, mean_motion, region_condition
from .control_output import MotionProControlOutput, PreparedControl
from .family import SvdCondition
from .network import MotionPro
from .settings import SPARSE, ControlSettings


class MotionProControl:
    """A TrackControl for SvdFamily.

    Args:
        network: All networks of the run.
        settings: How tracks are read.
        brush: (H, W) bool, where motion is expected beside the tracks, on a canvas of the
            picture's proportions; None for nowhere.

    Raises:
        ValueError: For a brush with weights that read none.
        ShapeError: For a brush that is no mask.
    """

    def __init__(
        self,
        network: MotionPro,
        settings: ControlSettings = SPARSE,
        brush: Tensor | None = None,
    ) -> None:
        if brush is not None and settings.is_dense:
            raise ValueError(
                "MotionPro-Dense reads where tracks are visible in place of a mask; disconnect "
                "the mask, or load the sparse weights."
            )
        if brush is not None and (brush.ndim != 2 or brush.dtype != torch.bool):
            raise ShapeError(
                f"a brush must be (H, W) bool; got {tuple(brush.shape)} {brush.dtype}."
            )
        self.network, self.settings, self.brush = network, settings, brush

    def with_mask(self, rule: MaskRule, brush: Tensor | None) -> MotionProControl:
        """The same network with another motion mask.

        Raises ValueError for an unknown rule, and what the constructor raises.
        """
        settings = replace(self.settings, rule=checked_rule(rule))
        return MotionProControl(self.network, settings, brush)

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: SvdCondition
    ) -> PreparedControl | None:
        """The condition drawn and encoded, once per run; None when no track counts.

        A track is either drawn or not: tracks of weight 0 are left out, and of two that start in
        one place the one of larger weight is drawn. The request's movable area counts as brush, too
        (MotionPro-Dense has none).

        Args:
            tracks: (T, N) on the request's canvas.
            weights: (N,) 0..1.
            condition: Of the run.
        """
        tracks = _by_weight(tracks, weights)
        if not bool(tracks.visible[:1].any()):
            return None
        request, frames = condition.request, condition.image_latents.shape[1]
        bucket = None
        if self.settings.is_dense:
            drawn = dense_condition(
                tracks, request.size, frames=frames, progress=condition.progress
            )
            bucket = mean_motion(drawn)
        else:
            drawn = region_condition(
                tracks,
                request.size,
                frames=frames,
                brush=joined_brush(request, self.brush),
                rule=self.settings.rule,
                progress=condition.progress,
            )
        weight = next(self.network.adapter.parameters())
        modulations = self.network.adapter.modulations(drawn.to(weight.device, weight.dtype))
        merged = MergedOnce(self.network.lora, self.network.unet)
        return PreparedControl(self.network.adapter, modulations, merged, bucket)

    def residuals(
        self,
        prepared: PreparedControl | None,
        latents: Tensor,
        timestep: Tensor,
        condition: SvdCondition,
    ) -> MotionProControlOutput:
        """The same at every step."""
        return MotionProControlOutput(prepared)


def joined_brush(request: GenerationRequest, brush: Tensor | None) -> Tensor | None:
    """The area of expected motion: the request's movable area and the brush.

    Args:
        request: Of the run.
        brush: (H, W) bool in the picture's proportions, or None.

    Returns:
        (H, W) bool on the request's canvas, or None without either.

    Raises:
        CanvasError: The brush has other proportions than the picture.
    """
    if brush is None:
        return request.movable
    painted = mask_on_canvas(brush, request.size, "motion mask")
    return painted if request.movable is None else painted | request.movable.to(painted.device)


def _by_weight(tracks: Tracks, weights: Tensor) -> Tracks:
    """Tracks of weight above 0, the largest last: later tracks are drawn over earlier ones."""
    order = torch.argsort(weights, stable=True)
    return select(tracks, order[weights[order] > 0])
