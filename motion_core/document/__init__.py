"""The drawn motion: MOTION documents read, written, and sampled at any frame count and size."""

from . import layers
from .curves import Curve, Line, make_line
from .easing import Easing, ease_value
from .layer import ExpansionContext, Layer
from .layers import *  # noqa: F403 (a new type of layer is exported by its registry alone)
from .motion_document import MotionDocument
from .parse import read_document
from .path import Handles, Outside, Path, Point, TimedPoint, Timing
from .sample import ControlPath, clip_times, sample_path
from .upgrade import VERSION
from .write import document_to_dict, document_to_json

__all__ = [
    "VERSION",
    "ControlPath",
    "Curve",
    "Easing",
    "ExpansionContext",
    "Handles",
    "Layer",
    "Line",
    "MotionDocument",
    "Outside",
    "Path",
    "Point",
    "TimedPoint",
    "Timing",
    "clip_times",
    "document_to_dict",
    "document_to_json",
    "ease_value",
    "make_line",
    "read_document",
    "sample_path",
]
__all__ += layers.__all__
