"""The constants that MotionPro is sampled with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...tracks.arguments import whole_number
from .condition import FRAMES, MaskRule


@dataclass(frozen=True)
class SvdSettings:
    """How the network is asked.

    frames: of every clip it makes. fps: of the clips it learned from. motion_bucket: how much
    should move, mean pixels; 17 is the authors' mean, higher moves more. augment: noise on the
    picture, in units of its range -1..1. decode_at_once: frames decoded together; fewer take less
    memory and flicker more.
    Raises TypeError or ValueError for values out of range.
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
    """How tracks are read: rule of the motion mask (see condition.MaskRule), and whether the
    weights are those of MotionPro-Dense, which reads tracks that start everywhere."""

    rule: MaskRule = "moving"
    is_dense: bool = False


AS_RELEASED = SvdSettings()
SPARSE = ControlSettings()
