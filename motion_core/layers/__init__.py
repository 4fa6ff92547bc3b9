"""Layers: a picture taken apart into things that lie over a background, so that each can move."""

from __future__ import annotations

from .analysis import take_apart
from .layered_picture import Layer, LayeredPicture

__all__ = ["Layer", "LayeredPicture", "take_apart"]
