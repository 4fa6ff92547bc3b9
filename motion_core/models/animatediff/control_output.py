"""What a control adds to AnimateDiff's U-Net, and what a control prepares once per run.

Two controls produce it: Image Conductor's (models/image_conductor) and that of a
Track-ControlNet (control.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, eq=False)
class UNetResiduals:
    """Additions to every skip connection of the U-Net and to its middle block.

    Attributes:
        down_block_residuals: (B*T, C, h, w) for each skip connection.
        mid_block_residual: (B*T, C, h, w).
    """

    down_block_residuals: tuple[Tensor, ...]
    mid_block_residual: Tensor

    def scaled(self, strength: float) -> UNetResiduals:
        """The same, multiplied."""
        down = tuple(residual * strength for residual in self.down_block_residuals)
        return UNetResiduals(down, self.mid_block_residual * strength)


def summed(residuals: Iterable[UNetResiduals]) -> UNetResiduals | None:
    """The sum of all residuals, None for none."""
    total: UNetResiduals | None = None
    for more in residuals:
        if total is None:
            total = more
            continue
        pairs = zip(total.down_block_residuals, more.down_block_residuals, strict=True)
        down = tuple(a + b for a, b in pairs)
        total = UNetResiduals(down, total.mid_block_residual + more.mid_block_residual)
    return total


class PreparedControl(Protocol):
    """What a control computed once for a run.

    motion: the adapter that the control lays over every prediction, or None.
    """

    motion: str | None

    def residuals(
        self, timestep: Tensor, prompt_embeds: Tensor, adapter: str | None
    ) -> UNetResiduals:
        """What the tracks add to one clip.

        Args:
            timestep: A scalar.
            prompt_embeds: (1, L, D).
            adapter: Of the branch; see protocols.Branch.
        """
        ...


@dataclass(frozen=True, eq=False)
class AnimateDiffControlOutput:
    """A ControlOutput: a prepared control at a strength.

    The residuals are computed in AnimateDiffFamily.predict, where each branch's prompt embeddings
    are known.

    Attributes:
        prepared: None when no track counts, which adds nothing.
        strength: Factor on the residuals.
    """

    prepared: PreparedControl | None
    strength: float = 1.0

    def scaled(self, strength: float) -> AnimateDiffControlOutput:
        """The same with its influence multiplied."""
        return replace(self, strength=self.strength * strength)

    def residuals(
        self, timestep: Tensor, prompt_embeds: Tensor, adapter: str | None
    ) -> UNetResiduals | None:
        """The residuals of one branch at this strength, None where nothing is added."""
        if self.prepared is None or self.strength == 0.0:
            return None
        residuals = self.prepared.residuals(timestep, prompt_embeds, adapter)
        return residuals if self.strength == 1.0 else residuals.scaled(self.strength)
