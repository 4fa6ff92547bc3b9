"""What MotionPro's control adds to Stable Video Diffusion's U-Net."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..lora import MergedOnce
from .adapter import Modulations, MotionAdapter


@dataclass(frozen=True, eq=False)
class PreparedControl:
    """What a control computed once for a run.

    Attributes:
        adapter: That modulates.
        modulations: Of every modulated block.
        weights: LoRA merged into the U-Net.
        motion_bucket: Mean length of the tracks' motion in pixels, or None for the settings' value.
    """

    adapter: MotionAdapter
    modulations: Modulations
    weights: MergedOnce
    motion_bucket: float | None


@dataclass(frozen=True, eq=False)
class MotionProControlOutput:
    """A ControlOutput: a prepared control at a strength.

    Attributes:
        prepared: None adds nothing.
        strength: Factor on modulation and LoRA.
    """

    prepared: PreparedControl | None
    strength: float = 1.0

    def scaled(self, strength: float) -> MotionProControlOutput:
        """The same with its influence multiplied, of modulation and LoRA."""
        return replace(self, strength=self.strength * strength)
