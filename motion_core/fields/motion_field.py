"""Dense motion: a displacement for every cell of a grid over a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size


@dataclass(frozen=True, eq=False)
class MotionField:
    """Forward motion of a picture: where the content of each cell in frame 0 goes.

    The grid may be of any resolution, up to one cell per pixel. The centre of cell (row, column)
    lies at ((column + 0.5) * size.width / columns, (row + 0.5) * size.height / rows).

    Attributes:
        displacement: (T, rows, columns, 2) float32, (x, y) pixels of the canvas from frame 0; zero
            in frame 0.
        visible: (T, rows, columns) float32 0..1, probability of being visible in each frame.
        confidence: (rows, columns) float32 0..1, how reliable the displacement is.
        size: the canvas: width and height of the picture in pixels.

    Raises:
        ShapeError: the shapes do not belong together.
        ValueError: a displacement is not finite, or the size is no size of a canvas.
    """

    displacement: Tensor
    visible: Tensor
    confidence: Tensor
    size: Size

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(*self.size))
        shape = tuple(self.displacement.shape)
        if len(shape) != 4 or shape[3] != 2 or 0 in shape[1:3]:
            raise ShapeError(
                f"MotionField.displacement must be (T, rows, columns, 2); got {shape}."
            )
        for name, expected in (("visible", shape[:3]), ("confidence", shape[1:3])):
            got = tuple(getattr(self, name).shape)
            if got != expected:
                raise ShapeError(f"MotionField.{name} must be {expected}; got {got}.")
        if not bool(torch.isfinite(self.displacement).all()):
            raise ValueError("MotionField.displacement must be finite.")

    @property
    def frames(self) -> int:
        """T."""
        return self.displacement.shape[0]

    @property
    def grid(self) -> Size:
        """Columns and rows."""
        return Size(self.displacement.shape[2], self.displacement.shape[1])

    def centres(self) -> Tensor:
        """(rows, columns, 2) float32 pixels: the centres of the cells."""
        return grid_centres(self.grid, self.size).to(self.displacement.device)


def grid_centres(grid: Size, size: Size) -> Tensor:
    """(rows, columns, 2) float32 pixels: the centres of the cells of a grid over a canvas."""
    across = (torch.arange(grid.width) + 0.5) / grid.width
    down = (torch.arange(grid.height) + 0.5) / grid.height
    x, y = torch.meshgrid(across * size.width, down * size.height, indexing="xy")
    return torch.stack([x, y], dim=-1)


def resting_field(frames: int, grid: Size, size: Size) -> MotionField:
    """A field without motion, visible everywhere."""
    return MotionField(
        torch.zeros(frames, grid.height, grid.width, 2),
        torch.ones(frames, grid.height, grid.width),
        torch.ones(grid.height, grid.width),
        size,
    )


def field_on_canvas(displacement: Tensor, size: Size) -> MotionField:
    """A field from displacements alone: full confidence, visible as long as it is on the canvas.

    Args:
        displacement: (T, rows, columns, 2) pixels from frame 0.
        size: the canvas.
    """
    frames, rows, columns = displacement.shape[:3]
    certain = torch.ones(rows, columns)
    place = grid_centres(Size(columns, rows), size) + displacement
    inside = ((place >= 0) & (place < place.new_tensor(size))).all(dim=-1)
    return MotionField(displacement, inside.float().view(frames, rows, columns), certain, size)
