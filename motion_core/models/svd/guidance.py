"""Guidance that grows over the frames, as Stable Video Diffusion is sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ..protocols import Branch

_FULL, _BLIND, _FREE = Branch(), Branch(text=False), Branch(control=False)


@dataclass(frozen=True)
class FrameGuidance:
    """Guidance on the picture, from `first` at the first frame to `last` at the last.

    The branch without words goes without the picture here; the tracks stay in both. motion: scale
    on what the tracks change, on its own; 1 leaves it alone. The defaults are MotionPro's. For
    predictions (1, T, ...). Raises ValueError for scales that are not finite.
    """

    first: float = 1.0
    last: float = 2.5
    motion: float = 1.0

    def __post_init__(self) -> None:
        scales = (self.first, self.last, self.motion)
        if not all(map(math.isfinite, scales)):
            raise ValueError(f"guidance scales must be finite numbers; got {scales}.")

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Without the picture, without the tracks and with both; only those that count."""
        blind = () if self.first == self.last == 1.0 else (_BLIND,)
        return (*blind, *(() if self.motion == 1.0 else (_FREE,)), _FULL)

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """One prediction of those of the branches. Raises ShapeError unless they fit together."""
        shapes = {tuple(prediction.shape) for prediction in predictions}
        if len(predictions) != len(self.branches) or len(shapes) != 1 or predictions[0].ndim < 2:
            raise ShapeError(
                f"guidance over frames needs {len(self.branches)} predictions (1, T, ...) of one "
                f"shape; got {len(predictions)} of {sorted(shapes)}."
            )
        full, combined = predictions[-1], predictions[-1]
        for branch, prediction in zip(self.branches[:-1], predictions[:-1], strict=True):
            scale = self.motion if branch is _FREE else self._over_frames(full)
            combined = combined + (scale - 1.0) * (full - prediction)
        return combined

    def _over_frames(self, like: Tensor) -> Tensor:
        """The scale of every frame, in the shape of a prediction."""
        scale = torch.linspace(self.first, self.last, like.shape[1], device=like.device)
        return scale.view(1, -1, *[1] * (like.ndim - 2)).to(like.dtype)
