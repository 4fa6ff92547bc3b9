"""Image Conductor (2406.15339) as a control of AnimateDiff: flow, and a LoRA per motion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from ...tracks.model import Tracks
from ...tracks.select import select
from ..registry import TrackModel
from .branch import Signals, SparseBranch
from .condition import flow_condition
from .family import AnimateDiffCondition, ControlResiduals
from .lora import LayerLora


class ConductorWeights(nn.Module):
    """The flow network, and the LoRA of each motion ("object", "camera") by name."""

    def __init__(self, flow: SparseBranch, lora: Mapping[str, LayerLora]) -> None:
        super().__init__()
        self.flow, self.lora = flow, nn.ModuleDict(lora)

    def check_motion(self, motion: str | None) -> None:
        """Raises ValueError for a motion that there is no LoRA of; None is the bare network."""
        if motion is not None and motion not in self.lora:
            known = ", ".join(self.lora) or "none, since the checkpoint has no LoRA"
            raise ValueError(f"there is no motion {motion!r}; there are {known}.")


class PreparedFlowControl:
    """The flow of a run: drawn once, and read once under every motion that is asked for."""

    def __init__(
        self,
        weights: ConductorWeights,
        condition: Tensor,
        motion: str | None,
        lora_strength: float = 1.0,
    ) -> None:
        self.motion = motion
        self._weights, self._condition, self._strength = weights, condition, lora_strength
        self._under: dict[str | None, tuple[dict[str, Tensor], Tensor]] = {}

    def signals(self, timestep: Tensor, words: Tensor, adapter: str | None) -> Signals:
        """What the flow adds under a motion, or where none is named under the control's own.

        Raises ValueError for a motion that there is no LoRA of.
        """
        laid, features = self._read(adapter or self.motion)
        return self._weights.flow.under(laid, features, timestep, words)

    def _read(self, motion: str | None) -> tuple[dict[str, Tensor], Tensor]:
        if motion not in self._under:
            self._weights.check_motion(motion)
            flow = self._weights.flow
            lora = None if motion is None else self._weights.lora[motion]
            laid = lora.merged(flow, self._strength) if isinstance(lora, LayerLora) else {}
            self._under[motion] = laid, flow.features(self._condition, laid)
        return self._under[motion]


class ConductorTracks:
    """A TrackControl for AnimateDiffFamily.

    motion: "object" moves things, "camera" moves the view, as the authors sample; None is the
    network without LoRA, which camera-free guidance (Eq. 5) compares "object" with.
    lora_strength: factor on the LoRA, 1 as trained.
    Raises ValueError for a motion that there is no LoRA of, or a strength that is no number.
    """

    def __init__(
        self, weights: ConductorWeights, motion: str | None = "object", lora_strength: float = 1.0
    ) -> None:
        weights.check_motion(motion)
        if not math.isfinite(lora_strength):
            raise ValueError(f"a LoRA's strength must be a finite number; got {lora_strength}.")
        self.weights, self.motion, self.lora_strength = weights, motion, lora_strength

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: AnimateDiffCondition
    ) -> PreparedFlowControl | None:
        """The flow drawn, once per run; None when no track counts.

        weights: (N,) 0..1. A step is drawn or not: tracks of weight 0 are left out, and of two
        that start in one pixel the heavier is drawn.
        """
        order = torch.argsort(weights, stable=True)
        heard = select(tracks, order[weights[order] > 0])
        if not bool(heard.visible.any()):
            return None
        drawn = flow_condition(heard, condition.request.size, progress=condition.progress)
        return PreparedFlowControl(self.weights, drawn, self.motion, self.lora_strength)

    def residuals(
        self,
        prepared: PreparedFlowControl | None,
        latents: Tensor,
        timestep: Tensor,
        condition: AnimateDiffCondition,
    ) -> ControlResiduals:
        """The same flow at every step."""
        return ControlResiduals(prepared)


def with_motion(
    model: TrackModel, motion: str | None = "object", lora_strength: float = 1.0
) -> TrackModel:
    """Image Conductor under another of its LoRA; see ConductorTracks, whose errors it raises.

    Raises ValueError for a model that Image Conductor does not steer.
    """
    if not isinstance(model.control, ConductorTracks):
        raise ValueError(
            f"only Image Conductor has a LoRA for the motion of things and of the camera; this is "
            f"{model.family}. Choose image_conductor in Load Track Model."
        )
    return replace(model, control=ConductorTracks(model.control.weights, motion, lora_strength))
