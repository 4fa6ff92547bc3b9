"""The guidance of a run beside its control, passed from node to node."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.protocols import Guidance, LatentGuidance


@dataclass(frozen=True)
class GuidancePlan:
    """The guidance of a run beside its control.

    Attributes:
        weighting: How a step's predictions are combined, or None for the sampler's default.
        latent_guidance: Changes the latents before each step, in this order.
    """

    weighting: Guidance | None = None
    latent_guidance: tuple[LatentGuidance, ...] = ()

    def joined(self, other: GuidancePlan) -> GuidancePlan:
        """Both together. Raises ValueError when both have a weighting."""
        if self.weighting is not None and other.weighting is not None:
            raise ValueError(
                "two guidances both combine predictions (such as camera-free guidance twice); keep "
                "one of them."
            )
        weighting = self.weighting if self.weighting is not None else other.weighting
        return GuidancePlan(weighting, self.latent_guidance + other.latent_guidance)
