"""How good tracks and videos are, in numbers."""
