"""How MotionPro's checkpoints are recognised by the names of their weights."""

from __future__ import annotations

from collections.abc import Iterable

from ..signature import Signature


def is_motionpro(names: Iterable[str]) -> bool:
    """Whether names of weights are those of a MotionPro checkpoint."""
    return any("flow_blocks.0." in name for name in names)


SIGNATURES = (Signature("motionpro", is_motionpro),)
