"""How MotionPro's checkpoints are recognised by the names of their weights."""

from __future__ import annotations

from collections.abc import Iterable

from ..signature import Shapes, Signature


def is_motionpro(names: Iterable[str]) -> bool:
    """Whether names of weights are those of a MotionPro checkpoint."""
    return any("flow_blocks.0." in name for name in names)


def _is_track_controlnet(shapes: Shapes) -> bool:
    return {"encoder.blocks.0.0.weight", "down.0.gamma_spatial.weight"} <= shapes.keys()


CHECKPOINT = Signature("motionpro", is_motionpro)
TRACK_CONTROLNET = Signature("motionpro track-controlnet", _is_track_controlnet)
SIGNATURES = (CHECKPOINT, TRACK_CONTROLNET)
