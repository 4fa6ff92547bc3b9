"""Points of the picture to follow."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import Size, checked_size


def random_points(size: Size, count: int, seed: int) -> Tensor:
    """Uniformly random pixels of the canvas.

    Args:
        size: The canvas in pixels.
        count: Number of points, 0 or more.
        seed: Seed of the random generator.

    Returns:
        (count, 2) float32 pixels.

    Raises:
        ValueError: The count is below 0.
    """
    size = checked_size(*size)
    if count < 0:
        raise ValueError(f"the number of points must be 0 or more; got {count}.")
    unit = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed))
    # float32 may round up to the far edge, which is no longer the canvas.
    return torch.minimum(unit * torch.tensor(size), torch.tensor(size) - 1e-3)
