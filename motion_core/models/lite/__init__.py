"""lite: dense motion from a picture and tracks, small enough for any machine."""

from __future__ import annotations

from .drafter import register
from .field import MotionField
from .lite import Lite, load_lite
from .render import render_field

__all__ = ["Lite", "MotionField", "load_lite", "render_field"]

register()
