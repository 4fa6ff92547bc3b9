"""Dense motion: the field, what makes one from a picture and tracks, and what draws it."""
