"""Dense motion as lite makes it: a displacement for every cell of a grid over the picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size


@dataclass(frozen=True, eq=False)
class MotionField:
    """Where what is seen at the cells of a grid in frame 0 goes.

    displacement: (T, G, G, 2) float32, pixels of the picture, from frame 0; zero in frame 0.
    visible:      (T, G, G) float32 0..1, how likely it is seen in each frame.
    confidence:   (G, G) float32 0..1, how far to trust the displacement.
    size:         of the picture; cell (row, column) has its centre at
                  ((column + 0.5) * width / G, (row + 0.5) * height / G).

    Raises ShapeError or ValueError when any of this does not hold.
    """

    displacement: Tensor
    visible: Tensor
    confidence: Tensor
    size: Size

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(*self.size))
        shape = tuple(self.displacement.shape)
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 2 or shape[1] == 0:
            raise ShapeError(f"MotionField.displacement must be (T, G, G, 2); got {shape}.")
        for name, wanted in (("visible", shape[:3]), ("confidence", shape[1:3])):
            got = tuple(getattr(self, name).shape)
            if got != wanted:
                raise ShapeError(f"MotionField.{name} must be {wanted}; got {got}.")
        if not bool(torch.isfinite(self.displacement).all()):
            raise ValueError("MotionField.displacement must be finite.")

    @property
    def frames(self) -> int:
        """T."""
        return self.displacement.shape[0]

    @property
    def grid(self) -> int:
        """G."""
        return self.displacement.shape[1]

    def centres(self) -> Tensor:
        """(G, G, 2) pixels: the centres of the cells."""
        axis = (torch.arange(self.grid, device=self.displacement.device) + 0.5) / self.grid
        x, y = torch.meshgrid(axis * self.size.width, axis * self.size.height, indexing="xy")
        return torch.stack([x, y], dim=-1)


def resting_field(frames: int, grid: int, size: Size) -> MotionField:
    """A field in which nothing moves."""
    return MotionField(
        torch.zeros(frames, grid, grid, 2),
        torch.ones(frames, grid, grid),
        torch.ones(grid, grid),
        size,
    )
