"""Layers: a picture taken apart into things that lie over a background, so that each can move."""

from __future__ import annotations

from .layered_picture import Layer, LayeredPicture
from .take_apart import take_apart

__all__ = ["Layer", "LayeredPicture", "take_apart"]
