"""The drawn motion: MOTION documents read, written, and sampled at any frame count and size."""

from .curves import Line, make_line
from .easing import ease_value
from .model import (
    AnyLayer,
    Brush,
    CameraGrabLayer,
    Curve,
    DragLayer,
    Easing,
    Layer,
    MotionDocument,
    Outside,
    Path,
    PinLayer,
    Point,
    RegionKey,
    RegionLayer,
    SphereLayer,
    TimedPoint,
    Timing,
)
from .parse import read_document
from .sample import ControlPath, RegionMotion, clip_times, sample_path, sample_region
from .upgrade import VERSION
from .write import document_to_dict, document_to_json

__all__ = [
    "VERSION",
    "AnyLayer",
    "Brush",
    "CameraGrabLayer",
    "ControlPath",
    "Curve",
    "DragLayer",
    "Easing",
    "Layer",
    "Line",
    "MotionDocument",
    "Outside",
    "Path",
    "PinLayer",
    "Point",
    "RegionKey",
    "RegionLayer",
    "RegionMotion",
    "SphereLayer",
    "TimedPoint",
    "Timing",
    "clip_times",
    "document_to_dict",
    "document_to_json",
    "ease_value",
    "make_line",
    "read_document",
    "sample_path",
    "sample_region",
]
