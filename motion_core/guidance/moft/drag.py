"""Points dragged along paths: their motion early in the run, their appearance late (Eq. 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import CanvasError, ShapeError
from ...models.protocols import RunCondition
from ...tracks.model import Tracks
from .channels import MotionChannels
from .features import AS_PUBLISHED, Probe
from .latent_guidance import (
    MoftGuidanceStep,
    MoftSettings,
    TappedRun,
    check_part,
    course_loss,
    is_within,
    outside_of,
)
from .reference import MotionReference, reference_along


@dataclass(frozen=True)
class DragSettings:
    """Steps and strength of both losses.

    The paper counts steps down from 25: motion alone above t1 = 19, both until t2 = 18, appearance
    alone until t3 = 5.

    Attributes:
        motion_end_frac: Part of the steps, from the first, in which the motion loss acts.
        look_start_frac, look_end_frac: Part of the steps in which features at the points are kept
            near those at their start; it may not begin after the motion loss ends.
        radius_frac: Of the short side, of the area that moves with a point.
        look_weight: Of the appearance loss against the motion loss.

    Raises:
        ValueError: For values out of range.
    """

    motion_end_frac: float = (25 - 18) / 25
    look_start_frac: float = (25 - 19) / 25
    look_end_frac: float = (25 - 5) / 25
    radius_frac: float = 0.06
    look_weight: float = 1.0

    def __post_init__(self) -> None:
        check_part(0.0, self.motion_end_frac)
        check_part(self.look_start_frac, self.look_end_frac)
        if not self.look_start_frac <= self.motion_end_frac <= self.look_end_frac:
            raise ValueError(
                "the look must be held from before motion ends until after it; got "
                f"{self.look_start_frac}..{self.look_end_frac} and {self.motion_end_frac}."
            )
        if not 0.0 < self.radius_frac <= 1.0:
            raise ValueError(f"radius_frac must be above 0, up to 1; got {self.radius_frac}.")
        if not 0.0 <= self.look_weight < float("inf"):
            raise ValueError(f"look_weight must be finite, 0 or more; got {self.look_weight}.")


@dataclass(frozen=True, eq=False)
class MoftDragGuidance:
    """A LatentGuidance that drags points along tracks.

    Attributes:
        tracks: (T, N) on the canvas of the request, visible in frame 0; T is the video's.
        channels, probe: Of the model, for that canvas and length; see learn_channels.
        region: (H, W) bool that may change, or None for all.
        settings: Strength and iterations; their window is not used.
        when: See DragSettings.
    """

    tracks: Tracks
    channels: MotionChannels
    probe: Probe = AS_PUBLISHED
    region: Tensor | None = None
    settings: MoftSettings = field(default_factory=MoftSettings)
    when: DragSettings = field(default_factory=DragSettings)

    def begin(self, model: Any, condition: RunCondition, steps: int) -> DragGuidanceStep:
        """Prepares a run.

        Raises:
            TypeError: For a model without features, or with features that move with the content.
            CanvasError, ShapeError, ValueError: For tracks that do not belong to the request.
        """
        self._check(condition)
        references = [
            reference_along(self.tracks.xy[:, point], self.tracks.size, self.channels, self.probe)
            for point in range(self.tracks.num_points)
        ]
        run = TappedRun(model, condition, steps, references[0])
        if not run.tap.traits.is_eulerian:
            raise TypeError(
                "this model's features move with the first frame's content, which a drag cannot "
                "use; give the tracks to the sampler itself."
            )
        run.cells(self.region)
        return DragGuidanceStep(run, self, references)

    def _check(self, condition: RunCondition) -> None:
        request = condition.request
        if self.tracks.size != request.size:
            raise CanvasError(
                f"the drag was drawn on {self.tracks.size} but the image is {request.size}; fit "
                "the tracks to the image (Transform Tracks)."
            )
        if self.tracks.num_frames != request.frames or not self.tracks.num_points:
            raise ShapeError(
                f"a drag needs a track or more of {request.frames} frames; got "
                f"{self.tracks.num_points} of {self.tracks.num_frames} (Retime Tracks)."
            )
        if not bool(self.tracks.visible[0].all()):
            raise ValueError("dragged points must be visible in the first frame.")


class DragGuidanceStep:
    """A GuidanceStep in three phases: motion alone, both, appearance alone."""

    def __init__(
        self, run: TappedRun, drag: MoftDragGuidance, references: list[MotionReference]
    ) -> None:
        self._run, self._drag, self._references = run, drag, references
        self._near = near_cells(drag.tracks, drag.when.radius_frac, run.grid)
        self._phase = (False, False)
        self._first: Tensor | None = None
        settings = replace(drag.settings, start_frac=0.0, end_frac=drag.when.look_end_frac)
        self._guided = MoftGuidanceStep(
            run, settings, self._loss, outside_of(drag.region, drag.settings)
        )

    def __call__(
        self, latents: Tensor, timestep: Tensor, step: int, predict: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The latents after all iterations; the same tensor after both phases."""
        when, steps = self._drag.when, self._run.steps
        pulls_motion = is_within(step, steps, 0.0, when.motion_end_frac)
        holds_look = is_within(step, steps, when.look_start_frac, when.look_end_frac)
        self._phase = (pulls_motion, holds_look)
        return self._guided(latents, timestep, step, predict)

    def _loss(self, features: Tensor) -> Tensor:
        pulls_motion, holds_look = self._phase
        total = features.new_zeros(())
        for point, reference in enumerate(self._references):
            if pulls_motion:
                near = self._near[point]
                total = total + course_loss(features, self._run.channels, near, reference.course)
            if holds_look:
                xy = self._drag.tracks.xy[:, point].to(features.device)
                loss = look_loss(features, xy, self._drag.tracks)
                total = total + self._drag.when.look_weight * loss
        return total


def look_loss(features: Tensor, xy: Tensor, tracks: Tracks) -> Tensor:
    """Mean over frames of |D(p_i) - D(p_1)|, the second term of Eq. 9, for one point.

    The features at the point's start are constants of the gradient. Outside the canvas the value
    at its border is used.

    Args:
        features: (T, C, h, w), sampled bilinearly.
        xy: (T, 2) pixels of the tracks' canvas.
        tracks: Define the canvas.
    """
    size = xy.new_tensor([float(tracks.size.width), float(tracks.size.height)])
    where = (2 * xy / size - 1).clone()[:, None, None]
    read = functional.grid_sample(features, where, padding_mode="border", align_corners=False)
    away = read[1:, :, 0, 0] - read[:1, :, 0, 0].detach()
    # The norm has no gradient at zero.
    return (away.square().sum(dim=1) + 1e-12).sqrt().mean()


def near_cells(tracks: Tracks, radius_frac: float, grid: int) -> Tensor:
    """(N, grid, grid) bool: cells within a radius of each point's start, and its own cell."""
    size = torch.tensor([float(tracks.size.width), float(tracks.size.height)])
    axis = (torch.arange(grid) + 0.5) / grid
    cells = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1) * size
    start = tracks.xy[0].cpu()
    far = (cells - start[:, None, None]).norm(dim=-1)
    near = far <= radius_frac * min(tracks.size)
    own = (start / size * grid).floor().long().clamp(0, grid - 1)
    near[torch.arange(len(start)), own[:, 1], own[:, 0]] = True
    return near
