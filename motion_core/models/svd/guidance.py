"""Guidance that grows over the frames, as Stable Video Diffusion is sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ..protocols import Branch

_FULL, _UNCONDITIONAL, _UNCONTROLLED = Branch(), Branch(text=False), Branch(control=False)


@dataclass(frozen=True)
class FrameGuidance:
    """Guidance on the image for predictions (1, T, ...).

    The unconditional branch is not conditioned on the image; both branches have the tracks. The
    defaults are MotionPro's.

    Attributes:
        first: Scale at the first frame.
        last: Scale at the last frame; linear between.
        motion: Scale of what the tracks change; 1 leaves it as it is.

    Raises:
        ValueError: For scales that are not finite.
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
        """Without the image, without the tracks and with both; none whose weight is zero."""
        unconditional = () if self.first == self.last == 1.0 else (_UNCONDITIONAL,)
        uncontrolled = () if self.motion == 1.0 else (_UNCONTROLLED,)
        return (*unconditional, *uncontrolled, _FULL)

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """One prediction from those of the branches. Raises ShapeError unless they fit together."""
        shapes = {tuple(prediction.shape) for prediction in predictions}
        if len(predictions) != len(self.branches) or len(shapes) != 1 or predictions[0].ndim < 2:
            raise ShapeError(
                f"guidance over frames needs {len(self.branches)} predictions (1, T, ...) of one "
                f"shape; got {len(predictions)} of {sorted(shapes)}."
            )
        full, combined = predictions[-1], predictions[-1]
        for branch, prediction in zip(self.branches[:-1], predictions[:-1], strict=True):
            scale = self.motion if branch is _UNCONTROLLED else self._over_frames(full)
            combined = combined + (scale - 1.0) * (full - prediction)
        return combined

    def _over_frames(self, like: Tensor) -> Tensor:
        """The scale of every frame, in the shape of a prediction."""
        scale = torch.linspace(self.first, self.last, like.shape[1], device=like.device)
        return scale.view(1, -1, *[1] * (like.ndim - 2)).to(like.dtype)
