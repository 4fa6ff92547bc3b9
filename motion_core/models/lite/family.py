"""Lite as a family of the sampling protocols.

The parts in the weights file determine the result; its notes name the parts that were used.
- Encoder, base and control: the base generates motion and the control branch steers it.
- Encoder and base: the base generates motion where no track acts; where control acts, the motion
  is the encoder's field.
- Encoder alone, or loaded without generate: the motion is the encoder's field, and nothing moves
  without tracks. Seed and steps change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...fields.upsample import REACH
from ...geometry import Size
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..protocols import (
    Branch,
    ControlOutput,
    FeatureTraits,
    GenerationRequest,
    GenerationResult,
    SharedKeys,
)
from ..taps import with_gradients
from .base import LiteControlOutput, velocity
from .decode import decode_video
from .flow_preview import flow_to_rgb
from .latents import field_from_latents, field_to_latents, latents_by_frame, resting_latents
from .layer_video import decode_layers
from .lite import Lite
from .pooling import ImageFeatures

# The base is trained and sampled with noise levels tau = SHIFT u / (1 + (SHIFT - 1) u). Averaging
# over a thing of a hundred cells leaves a tenth of the noise: levels near 1 decide what moves
# where, and many of the steps belong there.
SHIFT = 8.0
TIMESTEPS = 1000
# The one layer that MOFT can read; see LiteFamily.features.
CLEAN_FIELD = "clean_field"


@dataclass(frozen=True, eq=False)
class LiteCondition:
    """What does not depend on the noisy latents.

    Attributes:
        request: Of the run.
        image_features: Of the base, or None without a base.
        frames: Of the latents: the base's own or, without one, the request's.
        movable: (G, G) bool, cells that may move, or None for all.
        notes: See GenerationResult.
        progress: Of the run, for what is prepared later.
    """

    request: GenerationRequest
    image_features: ImageFeatures | None
    frames: int
    movable: Tensor | None
    notes: tuple[str, ...]
    progress: Progress


class LiteFamily:
    """A VideoModel whose latents are motion fields (1, 3 (T - 1), G, G); see latents.py."""

    def __init__(self, lite: Lite, *, layers: bool = False) -> None:
        """
        Args:
            lite: The parts of the model.
            layers: Whether videos are drawn by layers that the tracks cut out and the field bends
                (layer_video.py), instead of cell by cell.
        """
        self.lite, self.layers = lite, layers

    def scheduler(self) -> Any:
        """Flow matching in steps that are even before the noise shift of the training."""
        from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
            FlowMatchEulerDiscreteScheduler,
        )

        class EvenSteps(FlowMatchEulerDiscreteScheduler):
            """Steps that end at zero; those of diffusers end just above it and waste the last."""

            def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:  # type: ignore[override]
                levels = [1 - step / num_inference_steps for step in range(num_inference_steps)]
                super().set_timesteps(sigmas=levels, device=device)

        return EvenSteps(num_train_timesteps=TIMESTEPS, shift=SHIFT)

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> LiteCondition:
        """Features of the picture and the cells that may move."""
        base = self.lite.base
        features = None
        if base is not None:
            features = base.encode_image(self.lite.preprocess(request.image))
        frames = request.frames if base is None else base.config.frames
        movable = None
        if request.movable is not None:
            movable = _movable_cells(request.movable, self.grid).to(self.lite.device)
        notes = _notes(self.lite, request)
        return LiteCondition(request, features, frames, movable, notes, progress)

    def noise(self, condition: LiteCondition, generator: torch.Generator) -> Tensor:
        """Noise of the base, correlated over time as in training; zeros without a base."""
        if self.lite.base is not None:
            return self.lite.base.noise(1, generator)
        return torch.zeros_like(self._rest(condition))

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: LiteCondition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """Velocities, one per call. Lite reads no text. Raises ValueError for an adapter."""
        tau = (timestep.float() / TIMESTEPS).reshape(1).to(latents.device)
        velocities = []
        for branch, residuals in calls:
            if branch.adapter is not None:
                raise ValueError(f"lite has no adapters; got {branch.adapter!r}.")
            assert residuals is None or isinstance(residuals, LiteControlOutput)
            clean = self._clean(latents, tau, condition, residuals)
            velocities.append(velocity(clean, latents, tau))
        return velocities

    def preview(self, latents: Tensor, condition: LiteCondition) -> Tensor:
        """Motion until the last frame as colours over the picture."""
        field = field_from_latents(latents, condition.request.size, condition.frames)
        return flow_to_rgb(condition.request.image, field.displacement[-1])

    def decode(
        self,
        latents: Tensor,
        condition: LiteCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The picture moved along the field at full resolution; see decode.py, layer_video.py."""
        request = condition.request
        field = field_from_latents(latents, request.size, request.frames)
        draw = decode_layers if self.layers else decode_video
        frames, holes, realised = draw(request, field, tracks, progress)
        nothing = "No track is ever visible: nothing steers the motion."
        notes = condition.notes + (() if bool(tracks.visible.any()) else (nothing,))
        return GenerationResult(frames, holes, realised, notes)

    @property
    def traits(self) -> FeatureTraits:
        """One layer, the clean field; none without a base. Its few channels are axes of motion,
        so two components are needed to tell directions apart."""
        base = self.lite.base
        layers, weights = ((), self.lite) if base is None else ((CLEAN_FIELD,), base)
        advice = "Load lite with generate switched on: its encoder has no features of motion."
        return FeatureTraits(layers, 2, weights, False, False, advice)

    def features(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: LiteCondition,
        layer: str,
        keys: SharedKeys | None = None,
    ) -> Tensor:
        """(T, 3, G, G): x, y and visibility of the clean field that the base predicts.

        The layers inside the network have no time axis, because lite's frames are channels of flat
        maps. The prediction is the one place where frames are separate. It is a differentiable
        function of the noisy latents, which is all that guidance needs. A cell stays with the
        content that it shows in frame 0. Raises ValueError without a base or for another layer.
        """
        base, image_features = self.lite.base, condition.image_features
        if base is None or image_features is None or layer != CLEAN_FIELD:
            raise ValueError(f"lite's layers are {self.traits.layers}; got {layer!r}.")
        tau = (timestep.float() / TIMESTEPS).reshape(1).to(latents.device)
        # Tensors made under the host's inference_mode cannot take part in a backward pass.
        inputs = (latents, tau, image_features.clone())
        return latents_by_frame(with_gradients(base, inputs, {}))

    def encode_video(
        self, video: Tensor, condition: LiteCondition, follow: Callable[[], Tracks]
    ) -> Tensor:
        """Latents of the field that the encoder makes of the video's tracks."""
        field = self.lite.field(video[0], follow(), progress=condition.progress)
        return field_to_latents(field, condition.frames)

    def inverse_scheduler(self) -> Any:
        """The steps of scheduler() in reverse; clean latents shrink as noise would scale them.

        The prediction is not used: for clean latents lite predicts these latents themselves, which
        carries no information about the noise. If they kept their size, motion would read larger
        than it is.
        """
        from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
            FlowMatchEulerDiscreteScheduler,
        )

        class Upwards(FlowMatchEulerDiscreteScheduler):
            """From clean latents to noise, which is zero on average."""

            def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:  # type: ignore[override]
                levels = [1 - step / num_inference_steps for step in range(num_inference_steps)]
                super().set_timesteps(sigmas=levels, device=device)
                self.sigmas = self.sigmas.flip(0)
                self.timesteps = self.sigmas[1:] * TIMESTEPS

            def step(self, model_output: Any, timestep: Any, sample: Any, **_: Any) -> Any:
                at = self.index_for_timestep(timestep)
                return (sample * ((1 - self.sigmas[at + 1]) / (1 - self.sigmas[at])),)

        return Upwards(num_train_timesteps=TIMESTEPS, shift=SHIFT)

    def frames_of(self, latents: Tensor) -> Tensor:
        """By channel: x and y of frame 1, of frame 2, ..., then visibility of frame 1, 2, ..."""
        after = torch.arange(1, latents.shape[1] // 3 + 1, device=latents.device)
        return torch.cat([after.repeat_interleave(2), after]).view(1, -1, 1, 1)

    @property
    def grid(self) -> int:
        """G, cells of the field a side."""
        return self.lite.encoder.config.grid

    def _clean(
        self,
        latents: Tensor,
        tau: Tensor,
        condition: LiteCondition,
        residuals: LiteControlOutput | None,
    ) -> Tensor:
        rest = self._rest(condition)
        if self.lite.base is None or condition.image_features is None:
            clean = rest if residuals is None else residuals.apply(rest)
        else:
            clean = self.lite.base(latents, tau, condition.image_features, residuals)
        return clean if condition.movable is None else torch.where(condition.movable, clean, rest)

    def _rest(self, condition: LiteCondition) -> Tensor:
        return resting_latents(condition.frames, self.grid).to(self.lite.device)


def _notes(lite: Lite, request: GenerationRequest) -> tuple[str, ...]:
    """What the parts in the weights, and those missing, mean for a run."""
    notes = ["Lite reads no text: the prompt changes nothing."] if request.prompt.strip() else []
    if lite.base is None:
        notes.append(
            "Lite answers the tracks directly: seed and steps change nothing, and without tracks "
            "nothing moves. Load it with generate for motion of its own."
        )
        return tuple(notes)
    if lite.control is None:
        notes.append(
            "These weights hold no control branch: where control acts, the motion is the control "
            "encoder's field, and the base is not used."
        )
    frames = lite.base.config.frames
    if request.frames != frames:
        notes.append(
            f"Lite makes {frames} frames; its motion is resampled in time to {request.frames}."
        )
    return tuple(notes)


def _movable_cells(movable: Tensor, grid: int) -> Tensor:
    """(G, G) bool: cells with pixels that may move, and the cells that upsampling reads there."""
    height, width = movable.shape
    # Every cell is sampled this many times a side, so that no thin strip is missed.
    finer = max(1, -(-max(height, width) // grid))
    size = Size(grid * finer, grid * finer)
    row = (torch.arange(size.height) * height // size.height).to(movable.device)
    column = (torch.arange(size.width) * width // size.width).to(movable.device)
    sampled = movable[row][:, column].float()[None, None]
    cells = functional.max_pool2d(sampled, finer)
    return functional.max_pool2d(cells, 2 * REACH + 1, 1, REACH)[0, 0] > 0
