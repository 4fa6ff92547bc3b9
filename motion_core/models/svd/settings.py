"""The constants that MotionPro is sampled with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...tracks.arguments import whole_number
from .condition import FRAMES, MaskRule


@dataclass(frozen=True)
class SvdSettings:
    """How the networks are called.

    Attributes:
        frames: Of every clip.
        fps: Of the clips it was trained on.
        motion_bucket: Mean length of the motion in pixels; 17 is the authors' mean.
        augment: Deviation of the noise on the image, in units of its range -1..1.
        decode_at_once: Frames decoded together; fewer take less memory and flicker more.

    Raises:
        TypeError, ValueError: For values out of range.
    """

    frames: int = FRAMES
    fps: float = 8.0
    motion_bucket: float = 17.0
    augment: float = 0.02
    decode_at_once: int = 16

    def __post_init__(self) -> None:
        whole_number("frames", self.frames, least=2)
        whole_number("decode_at_once", self.decode_at_once, least=1)
        for name in ("fps", "motion_bucket", "augment"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 1000):
                raise ValueError(f"{name} must be 0..1000; got {value}.")


@dataclass(frozen=True)
class ControlSettings:
    """How tracks are read.

    Attributes:
        rule: Of the motion mask; see condition.MaskRule.
        is_dense: Whether the weights are those of MotionPro-Dense, which reads tracks that start
            everywhere.
    """

    rule: MaskRule = "moving"
    is_dense: bool = False


AS_RELEASED = SvdSettings()
SPARSE = ControlSettings()
