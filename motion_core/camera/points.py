"""Points of the picture to follow."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import Size, checked_size


def random_points(size: Size, count: int, seed: int) -> Tensor:
    """(count, 2) float32 pixels spread evenly over the canvas by chance; the seed decides which.

    Raises ValueError for a count below 0.
    """
    size = checked_size(*size)
    if count < 0:
        raise ValueError(f"the number of points must be 0 or more; got {count}.")
    share = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed))
    # float32 may round up to the far edge, which is no longer the canvas.
    return torch.minimum(share * torch.tensor(size), torch.tensor(size) - 1e-3)
