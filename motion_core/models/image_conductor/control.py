"""Image Conductor (2406.15339) as a control of AnimateDiff: flow network and LoRA per motion."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...tracks.model import Tracks
from ...tracks.select import select
from ..animatediff.branch import SparseBranch
from ..animatediff.control_output import AnimateDiffControlOutput, UNetResiduals
from ..animatediff.family import AnimateDiffCondition
from ..lora import LoraWeights
from .condition import flow_condition


class FlowNetwork(nn.Module):
    """The flow network, and the LoRA of each motion ("object", "camera") by name."""

    def __init__(self, flow: SparseBranch, lora: Mapping[str, LoraWeights]) -> None:
        super().__init__()
        self.flow, self.lora = flow, nn.ModuleDict(lora)

    def check_motion(self, motion: str | None) -> None:
        """Raises ValueError for a motion without LoRA here; None is the bare network."""
        if motion is not None and motion not in self.lora:
            known = ", ".join(self.lora) or "none, since the checkpoint has no LoRA"
            raise ValueError(f"there is no motion {motion!r}; there are {known}.")


class PreparedFlowControl:
    """The flow of a run: drawn once, and encoded once under every motion that is asked for."""

    def __init__(
        self,
        network: FlowNetwork,
        condition: Tensor,
        motion: str | None,
        lora_strength: float = 1.0,
    ) -> None:
        self.motion = motion
        self._network, self._condition, self._strength = network, condition, lora_strength
        self._encoded: dict[str | None, tuple[dict[str, Tensor], Tensor]] = {}

    def residuals(
        self, timestep: Tensor, prompt_embeds: Tensor, adapter: str | None
    ) -> UNetResiduals:
        """What the flow adds under the LoRA of `adapter`, or of the control's own motion for None.

        Raises ValueError for a motion without LoRA.
        """
        weights, features = self._encode(adapter or self.motion)
        return self._network.flow.with_weights(weights, features, timestep, prompt_embeds)

    def _encode(self, motion: str | None) -> tuple[dict[str, Tensor], Tensor]:
        if motion not in self._encoded:
            self._network.check_motion(motion)
            flow = self._network.flow
            lora = None if motion is None else self._network.lora[motion]
            merged = lora.merged(flow, self._strength) if isinstance(lora, LoraWeights) else {}
            self._encoded[motion] = merged, flow.features(self._condition, merged)
        return self._encoded[motion]


class ImageConductorControl:
    """A TrackControl for AnimateDiffFamily.

    Args:
        network: The flow network and its LoRA.
        motion: "object" moves things, "camera" moves the view, as the authors sample. None is the
            network without LoRA, which camera-free guidance (Eq. 5) compares "object" with.
        lora_strength: Factor on the LoRA, 1 as trained.

    Raises:
        ValueError: For a motion without LoRA, or a strength that is not finite.
    """

    def __init__(
        self, network: FlowNetwork, motion: str | None = "object", lora_strength: float = 1.0
    ) -> None:
        network.check_motion(motion)
        if not math.isfinite(lora_strength):
            raise ValueError(f"a LoRA's strength must be a finite number; got {lora_strength}.")
        self.network, self.motion, self.lora_strength = network, motion, lora_strength

    def with_motion(self, motion: str | None, lora_strength: float) -> ImageConductorControl:
        """The same network under another LoRA. Raises what the constructor raises."""
        return ImageConductorControl(self.network, motion, lora_strength)

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: AnimateDiffCondition
    ) -> PreparedFlowControl | None:
        """The flow, drawn once per run; None when no track counts.

        A step is either drawn or not: tracks of weight 0 are left out, and of two that start in one
        pixel the one of larger weight is drawn.

        Args:
            tracks: (T, N) on the request's canvas.
            weights: (N,) 0..1.
            condition: Of the run.
        """
        order = torch.argsort(weights, stable=True)
        counted = select(tracks, order[weights[order] > 0])
        if not bool(counted.visible.any()):
            return None
        drawn = flow_condition(counted, condition.request.size, progress=condition.progress)
        return PreparedFlowControl(self.network, drawn, self.motion, self.lora_strength)

    def residuals(
        self,
        prepared: PreparedFlowControl | None,
        latents: Tensor,
        timestep: Tensor,
        condition: AnimateDiffCondition,
    ) -> AnimateDiffControlOutput:
        """The same flow at every step."""
        return AnimateDiffControlOutput(prepared)
