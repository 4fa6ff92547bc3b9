"""How tracks steer lite in the sampling loop."""

from __future__ import annotations

from torch import Tensor

from ...tracks.model import Tracks
from .base import LiteControlOutput
from .family import TIMESTEPS, LiteCondition
from .latents import field_to_latents
from .lite import Lite
from .track_controlnet import PreparedControl


class LiteControl:
    """A TrackControl for LiteFamily: the trained control branch or, if the weights hold none, the
    encoder's field itself."""

    def __init__(self, lite: Lite) -> None:
        self.lite = lite

    def prepare(self, tracks: Tracks, weights: Tensor, condition: LiteCondition) -> PreparedControl:
        """What does not depend on the step.

        Args:
            tracks: On the picture's canvas.
            weights: (N,) 0..1, how much each track counts.
            condition: Of the run.

        Raises what Lite.field raises.
        """
        image, progress = condition.request.image, condition.progress
        if self.lite.control is not None:
            return self.lite.control.prepare(image, tracks, weights, progress=progress)
        field, attention = self.lite.field_and_attention(image, tracks, weights, progress)
        target = field_to_latents(field, condition.frames)
        return PreparedControl(target.new_zeros(()), target, attention.is_active())

    def residuals(
        self,
        prepared: PreparedControl,
        latents: Tensor,
        timestep: Tensor,
        condition: LiteCondition,
    ) -> LiteControlOutput:
        """What the tracks add to a prediction at one step."""
        if self.lite.control is not None:
            tau = (timestep.float() / TIMESTEPS).reshape(1).to(latents.device)
            return self.lite.control.residuals(prepared, latents, tau)
        return LiteControlOutput((), prepared.active, prepared.target)
