"""Motion prompt expansion: a whole drawing to tracks, and the part of the picture they touch."""

from .document import expand_document, expansion_notes
from .dragged import DraggedThings, dragged_things
from .touched import touched_area

__all__ = [
    "DraggedThings",
    "dragged_things",
    "expand_document",
    "expansion_notes",
    "touched_area",
]
