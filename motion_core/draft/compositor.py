"""The draft's compositor: the layers of a picture, drawn over each other frame by frame."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..fields.arrays import FloatArray
from ..images import image_array
from ..progress import Progress
from ..tracks.model import Tracks
from .layered_motion import LayeredMotion
from .render import Texture, Window, draw_background, draw_layer
from .textures import make_textures, touches_edge


class Compositor:
    """A picture, prepared once for its tracks, ready to be drawn at any frame."""

    def __init__(self, image: Tensor, tracks: Tracks, progress: Progress) -> None:
        self.picture = image_array(image, tracks.size)
        total = tracks.num_frames
        progress(0, total)
        self.layered = LayeredMotion(self.picture, tracks, lambda: progress(0, total))
        self.textures: list[Texture] = []
        layers, alphas = self.layered.layers, self.layered.alphas
        if layers.background_moves or layers.over:
            soft = [layer.is_soft for layer in layers.over]
            shows_edge = layers.background_moves or any(map(touches_edge, alphas))
            travel = float(np.abs(self.layered.motion.shift).max()) if shows_edge else 0.0
            self.textures = make_textures(self.picture, alphas, soft, travel)

    def draw(self, frame: int, out: FloatArray) -> None:
        """Draws one frame into `out` (H, W, 3)."""
        background = self.layered.background_field(frame)
        if background is None:
            out[:] = self.picture
        else:
            draw_background(out, self.textures[0], background)
        drawn: list[Window] = []
        for layer, texture in zip(self.layered.layers.over, self.textures, strict=False):
            field = self.layered.layer_field(layer, frame, background)
            if field is not None:
                draw_layer(out, texture, field, background, drawn)
