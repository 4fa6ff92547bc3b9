"""Guidance that grows over the frames, as Stable Video Diffusion is sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ..protocols import Branch

_FULL, _BLIND = Branch(), Branch(text=False)


@dataclass(frozen=True)
class FrameGuidance:
    """Guidance on the picture, from `first` at the first frame to `last` at the last.

    The branch without words goes without the picture here; the tracks stay in both. The defaults
    are MotionPro's. For predictions (1, T, ...). Raises ValueError for scales that are not finite.
    """

    first: float = 1.0
    last: float = 2.5

    def __post_init__(self) -> None:
        if not (math.isfinite(self.first) and math.isfinite(self.last)):
            raise ValueError(
                f"guidance scales must be finite numbers; got {self.first} and {self.last}."
            )

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Without the picture and with it; only with it where that is all that counts."""
        return (_FULL,) if self.first == self.last == 1.0 else (_BLIND, _FULL)

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """One prediction of those of the branches. Raises ShapeError unless they fit together."""
        shapes = {tuple(prediction.shape) for prediction in predictions}
        if len(predictions) != len(self.branches) or len(shapes) != 1 or predictions[0].ndim < 2:
            raise ShapeError(
                f"guidance over frames needs {len(self.branches)} predictions (1, T, ...) of one "
                f"shape; got {len(predictions)} of {sorted(shapes)}."
            )
        if len(predictions) == 1:
            return predictions[0]
        without, full = predictions
        scale = torch.linspace(self.first, self.last, full.shape[1], device=full.device)
        scale = scale.view(1, -1, *[1] * (full.ndim - 2)).to(full.dtype)
        return without + scale * (full - without)
