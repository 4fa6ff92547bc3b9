"""Motion prompt expansion: a whole drawing to tracks, and the part of the picture they touch."""

from .document import expand_document, expansion_notes
from .touched import touched_area

__all__ = ["expand_document", "expansion_notes", "touched_area"]
