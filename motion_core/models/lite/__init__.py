"""lite: dense motion from a picture and tracks, small enough for any machine."""

from __future__ import annotations

from ...fields.motion_field import MotionField
from ...fields.render import render_field
from .lite import Lite
from .load import load_lite

__all__ = ["Lite", "MotionField", "load_lite", "render_field"]
