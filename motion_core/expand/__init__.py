"""Motion prompt expansion: drawn layers and whole documents to tracks."""

from .document import expand_document
from .drag import brush_offsets, expand_drag, pull_weights
from .identity import layer_ids
from .limits import MAX_DOTS, MAX_FRAMES, MAX_POSITIONS
from .pin import background_points, expand_pin
from .region import expand_region
from .sphere import directions_under, expand_sphere, sphere_points, turns_between

__all__ = [
    "MAX_DOTS",
    "MAX_FRAMES",
    "MAX_POSITIONS",
    "background_points",
    "brush_offsets",
    "directions_under",
    "expand_document",
    "expand_drag",
    "expand_pin",
    "expand_region",
    "expand_sphere",
    "layer_ids",
    "pull_weights",
    "sphere_points",
    "turns_between",
]
