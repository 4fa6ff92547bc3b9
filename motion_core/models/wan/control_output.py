"""The effect of a control on Wan's transformer: edited condition latents, or hooked blocks."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from .track_controlnet import WanTrackControlNet


@runtime_checkable
class WanControlOutput(Protocol):
    """A ControlOutput for Wan."""

    def scaled(self, strength: float) -> WanControlOutput:
        """The same with its influence multiplied."""
        ...

    def edited_latents(self, condition_latents: Tensor) -> Tensor:
        """(1, 4 + C, T', H, W), what the transformer reads beside the noise."""
        ...

    def attached(self, transformer: Any) -> AbstractContextManager[None]:
        """The transformer under control while the context is open; as before afterwards."""
        ...


@dataclass(frozen=True, eq=False)
class EditedCondition:
    """Mask and image latents, edited along the tracks.

    Attributes:
        condition_latents: (1, 4 + C, T', H, W), the edited mask and image.
        strength: 0 is the plain condition, 1 the edited one, more extrapolates.
    """

    condition_latents: Tensor
    strength: float = 1.0

    def scaled(self, strength: float) -> EditedCondition:
        """The same with its influence multiplied."""
        return replace(self, strength=self.strength * strength)

    def edited_latents(self, condition_latents: Tensor) -> Tensor:
        """Between plain and edited by the strength; at strength 0 exactly the plain ones."""
        if self.strength == 0.0:
            return condition_latents
        edited = self.condition_latents.to(condition_latents)
        return torch.lerp(condition_latents, edited, self.strength)

    def attached(self, transformer: Any) -> AbstractContextManager[None]:
        """The transformer as it is."""
        return nullcontext()


@dataclass(frozen=True, eq=False)
class TrackControlNetOutput:
    """A Track-ControlNet and the tracks as it encoded them.

    Attributes:
        network: The Track-ControlNet.
        control_hidden_states: (S, D), added to the tokens that the copied blocks read.
        strength: Factor on the residuals.
    """

    network: WanTrackControlNet
    control_hidden_states: Tensor
    strength: float = 1.0

    def scaled(self, strength: float) -> TrackControlNetOutput:
        """The same with its influence multiplied."""
        return replace(self, strength=self.strength * strength)

    def edited_latents(self, condition_latents: Tensor) -> Tensor:
        """Mask and image as they are."""
        return condition_latents

    def attached(self, transformer: Any) -> AbstractContextManager[None]:
        """The transformer with hooks on its blocks while the context is open."""
        if self.strength == 0.0:
            return nullcontext()
        return self.network.attached(transformer, self.control_hidden_states, self.strength)
