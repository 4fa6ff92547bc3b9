"""Latents moved along the gradient of a motion loss, before each step of part of a run (§3.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import ShapeError
from ...models.protocols import FeatureTap, RunCondition, SharedKeys
from ...tracks.arguments import finite_number, whole_number
from .features import content_removed, fingerprint, resized, tap_of
from .reference import MotionReference, region_cells

Loss = Callable[[Tensor], Tensor]
# Squared norms of gradients below this count as zero.
LEAST_SLOPE = 1e-30


@dataclass(frozen=True)
class MoftSettings:
    """Strength and steps of the guidance. The defaults are those of the authors' code.

    Attributes:
        weight: Factor on the loss; 0 changes nothing.
        start_frac, end_frac: Part of the steps in which it acts; step i of n is at i / n, and the
            end is exclusive.
        iterations: Gradient steps before each step.
        step_size: Of a gradient step.
        is_adaptive: The gradient is scaled so that weight 1 and step_size 0.5 would halve the
            square root of a loss that is quadratic along it, whatever the scale of the features.
        most_change: Limit on the change of a latent in one iteration, or None.
        still_frac: Fraction of the frames, from the first, in which latents outside the region are
            not changed; the paper chooses 0.5, for more motion.
        shares_attention: Self-attention uses the keys of a video that is not guided, which keeps
            the appearance; costs one more prediction per step.
        each_place: The loss compares each place of the region instead of their mean.

    Raises:
        TypeError, ValueError: For values out of range.
    """

    weight: float = 6.0
    start_frac: float = 3 / 25
    end_frac: float = 12 / 25
    iterations: int = 2
    step_size: float = 0.5
    is_adaptive: bool = False
    most_change: float | None = None
    still_frac: float = 1.0
    shares_attention: bool = True
    each_place: bool = False

    def __post_init__(self) -> None:
        for name in ("weight", "step_size"):
            if finite_number(name, getattr(self, name)) < 0:
                raise ValueError(f"{name} must be 0 or more; got {getattr(self, name)}.")
        if self.most_change is not None and finite_number("most_change", self.most_change) <= 0:
            raise ValueError(f"most_change must be above 0 or None; got {self.most_change}.")
        whole_number("iterations", self.iterations, least=1, most=100)
        check_part(self.start_frac, self.end_frac)
        if not 0.0 <= finite_number("still_frac", self.still_frac) <= 1.0:
            raise ValueError(f"still_frac must be 0..1; got {self.still_frac}.")

    def acts(self, step: int, steps: int) -> bool:
        """Whether a step of a run is in the window."""
        return self.weight > 0 and is_within(step, steps, self.start_frac, self.end_frac)


@dataclass(frozen=True, eq=False)
class MoftLatentGuidance:
    """A LatentGuidance towards a reference's motion.

    Attributes:
        reference: The motion.
        region: (H, W) bool in the proportions of the request's canvas, where the motion is to
            happen; None is everywhere.
        settings: How strongly and when.
    """

    reference: MotionReference
    region: Tensor | None = None
    settings: MoftSettings = field(default_factory=MoftSettings)

    def begin(self, model: Any, condition: RunCondition, steps: int) -> MoftGuidanceStep:
        """Prepares a run.

        Raises:
            TypeError, ValueError: For a model without features, for other weights than the
                reference's, or for a window that contains no step.
            CanvasError: For a region of other proportions.
        """
        settings = self.settings
        if settings.weight > 0 and not any(settings.acts(step, steps) for step in range(steps)):
            raise ValueError(
                f"none of the {steps} steps lies in {settings.start_frac}..{settings.end_frac} of "
                "the run, so the guidance would do nothing. Take more steps, or widen the window."
            )
        run = TappedRun(model, condition, steps, self.reference)
        cells = run.cells(self.region)
        course = self.reference.course

        def loss(features: Tensor) -> Tensor:
            each = settings.each_place
            return course_loss(features, run.channels, cells, course, each_place=each)

        return MoftGuidanceStep(run, settings, loss, outside_of(self.region, settings))


class TappedRun:
    """A run whose features are read as the reference's were.

    Raises what MoftLatentGuidance.begin raises.
    """

    def __init__(
        self, model: Any, condition: RunCondition, steps: int, reference: MotionReference
    ) -> None:
        self.tap: FeatureTap = tap_of(model)
        self.model, self.condition, self.steps = model, condition, steps
        self.layer = reference.channels.layer
        self.channels, self.grid = reference.channels.index, reference.probe.grid
        self.frames = reference.channels.frames
        if fingerprint(self.tap.traits.weights) != reference.channels.weights:
            raise ValueError(
                "the motion reference was made with other weights, whose channels have another "
                "meaning. Connect the same model to MOFT Reference and to the sampler."
            )

    def cells(self, region: Tensor | None) -> Tensor:
        """(grid, grid) bool."""
        if region is None:
            return torch.ones(self.grid, self.grid, dtype=torch.bool)
        return region_cells(region, self.condition.request.size, self.grid)

    def features(self, latents: Tensor, timestep: Tensor, keys: SharedKeys | None) -> Tensor:
        """(T, C, grid, grid), differentiable.

        Raises ShapeError if the reference has another number of frames.
        """
        features = self.tap.features(latents, timestep, self.condition, self.layer, keys)
        if len(features) != self.frames:
            raise ShapeError(
                f"the motion reference has {self.frames} frames but the video to be made has "
                f"{len(features)}; make the reference with as many (frames of MOFT Reference)."
            )
        return resized(features, self.grid)


class MoftGuidanceStep:
    """A GuidanceStep down the gradient of a loss of features, with an unguided video beside it."""

    def __init__(
        self, run: TappedRun, settings: MoftSettings, loss: Loss, outside: Tensor | None
    ) -> None:
        self._run, self._settings, self._loss, self._outside = run, settings, loss, outside
        self._free: Tensor | None = None
        self._scheduler: Any = None

    def __call__(
        self, latents: Tensor, timestep: Tensor, step: int, predict: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The latents after all iterations; the same tensor outside the window."""
        if not self._settings.acts(step, self._run.steps):
            return latents
        keys = self._free_keys(latents, timestep)
        moved = latents
        for _ in range(self._settings.iterations):
            moved = moved - self._change(moved, timestep, keys)
            self._run.condition.progress(step, self._run.steps)
        if keys is not None and self._settings.acts(step + 1, self._run.steps):
            self._step_free(timestep, predict)
        return moved

    def _free_keys(self, latents: Tensor, timestep: Tensor) -> SharedKeys | None:
        """Hidden states of self-attention in the unguided video, ready for replay."""
        if not (self._settings.shares_attention and self._run.tap.traits.shares_attention):
            return None
        if self._free is None:
            self._free = latents
        keys = SharedKeys({})
        with torch.no_grad():
            self._run.features(self._free, timestep, keys)
        keys.is_replaying = True
        return keys

    def _step_free(self, timestep: Tensor, predict: Callable[[Tensor], Tensor]) -> None:
        assert self._free is not None
        if self._scheduler is None:
            self._scheduler = self._run.model.scheduler()
            self._scheduler.set_timesteps(self._run.steps, device=self._free.device)
        with torch.no_grad():
            result = self._scheduler.step(predict(self._free), timestep, self._free)
        self._free = result.prev_sample

    def _change(self, latents: Tensor, timestep: Tensor, keys: SharedKeys | None) -> Tensor:
        """The change that one iteration subtracts from the latents."""
        settings = self._settings
        # A host may run nodes under inference_mode, in which nothing can be differentiated.
        with torch.inference_mode(False), torch.enable_grad():
            variable = latents.detach().clone().requires_grad_(True)
            loss = self._loss(self._run.features(variable, timestep.clone(), keys))
            (gradient,) = torch.autograd.grad(loss, variable)
        if not bool(torch.isfinite(gradient).all()):
            raise ValueError(
                "the gradient of the motion loss holds NaN or infinite values; use float32 or "
                "bfloat16 weights, or a smaller weight."
            )
        gradient = self._kept(gradient)
        scale = torch.as_tensor(settings.weight * settings.step_size)
        if settings.is_adaptive:
            scale = scale * _polyak_scale(gradient, loss.detach())
        change = gradient * scale.to(gradient.device)
        most = settings.most_change
        return change if most is None else change.clamp(-most, most)

    def _kept(self, gradient: Tensor) -> Tensor:
        """The gradient, zero outside of the region in the frames that must not change there."""
        if self._outside is None:
            return gradient
        shape = gradient.shape[-2:]
        inside = functional.adaptive_max_pool2d((~self._outside)[None].float(), shape)[0] > 0
        frames = self._run.tap.frames_of(gradient)
        fixed = frames < math.ceil(self._settings.still_frac * self._run.frames)
        return gradient.masked_fill(fixed & ~inside.to(gradient.device), 0.0)


def course_loss(
    features: Tensor, channels: Tensor, cells: Tensor, course: Tensor, *, each_place: bool = False
) -> Tensor:
    """Mean squared difference of a course and the motion of a region.

    Args:
        features: (T, C, h, w).
        channels: (K,) int64, the motion channels.
        cells: (h, w) bool, the region.
        course: (T, K).
        each_place: Compares each place of the region instead of their mean.
    """
    device = features.device
    # Copies, because tensors made under inference_mode cannot be kept for a backward pass.
    index, mask = channels.to(device).clone(), cells.to(device).clone()
    target, motion = course.to(device).clone(), content_removed(features[:, index])
    if each_place:
        away = (motion - target[:, :, None, None]).square().mean(dim=(0, 1))
        return (away * mask).sum() / mask.sum()
    mean = (motion * mask).sum(dim=(2, 3)) / mask.sum()
    # PyTorch 2.6 cannot differentiate mse_loss where its arguments have different dtypes.
    return (mean - target).square().mean()


def check_part(start: float, end: float) -> None:
    """Raises ValueError unless both lie in 0..1, start first."""
    if not 0.0 <= start <= end <= 1.0:
        raise ValueError(
            f"a window must start and end within 0..1, start first; got {start}..{end}."
        )


def is_within(step: int, steps: int, start: float, end: float) -> bool:
    """Whether a step lies in start..end, the end excluded, counted as in ControlSchedule."""
    return start <= step / steps + 1e-9 and step / steps < end - 1e-9


def _polyak_scale(gradient: Tensor, loss: Tensor) -> Tensor:
    """2 loss / |gradient|^2, twice Polyak's step to a loss of zero; 0 for a gradient of zero."""
    square = gradient.square().sum()
    return torch.where(square > LEAST_SLOPE, 2 * loss / square.clamp(min=LEAST_SLOPE), 0.0)


def outside_of(region: Tensor | None, settings: MoftSettings) -> Tensor | None:
    """Where latents are not changed, None for nowhere."""
    return None if region is None or settings.still_frac == 0.0 else ~region
