"""Motion between two successive frames on a grid of cells, in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ...geometry import Size


@dataclass(frozen=True, eq=False)
class StepFlow:
    """Where the content of each cell goes, and where it comes from.

    Attributes:
        forward: (R, C, 2) float, (x, y) in cells: displacement of the content of each cell of the
            earlier frame.
        shown: (R, C) bool, whether that content is visible in the later frame.
        backward: (R, C, 2) float, cells: displacement from each cell of the later frame to where
            its content was in the earlier one.
        known: (R, C) bool, whether that content was visible in the earlier frame. Where False, the
            later frame shows something new.

    Raises:
        ShapeError: The shapes do not belong together.
        ValueError: A displacement that counts is not finite.
    """

    forward: Tensor
    shown: Tensor
    backward: Tensor
    known: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.forward.shape)
        if len(shape) != 3 or shape[2] != 2 or 0 in shape:
            raise ShapeError(f"StepFlow.forward must be (R, C, 2); got {shape}.")
        expected = {"backward": shape, "shown": shape[:2], "known": shape[:2]}
        for name, wanted in expected.items():
            got = tuple(getattr(self, name).shape)
            if got != wanted:
                raise ShapeError(f"StepFlow.{name} must be {wanted}; got {got}.")
        counted = (self.forward[self.shown], self.backward[self.known])
        if not all(bool(torch.isfinite(one).all()) for one in counted):
            raise ValueError("StepFlow must be finite where its content is visible.")

    @property
    def grid(self) -> Size:
        """Columns and rows."""
        return Size(self.forward.shape[1], self.forward.shape[0])


def step_flow(forward: Tensor, backward: Tensor | None = None) -> StepFlow:
    """A step that shows everything.

    Args:
        forward: (R, C, 2) cells.
        backward: (R, C, 2) cells; None takes the negative of `forward` at the same cell, which is
            exact where the motion is constant.
    """
    everything = torch.ones(forward.shape[:2], dtype=torch.bool, device=forward.device)
    return StepFlow(forward, everything, -forward if backward is None else backward, everything)
