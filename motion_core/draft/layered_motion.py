"""The draft's motion: tracks split into layers, and the dense motion of each layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..fields.arrays import FloatArray
from ..layers.motion_segments import MotionSegment, segment_motion
from ..layers.track_motion import motion_of
from ..tracks.model import Tracks
from .backward_field import BackwardField
from .group import PointGroup, field_at
from .matting import alpha_map, make_guide_image

# Points with a smaller alpha say too little about the motion of their layer.
LEAST_ALPHA = 0.3


class LayeredMotion:
    """A background and the layers above it, with their alpha maps and motion.

    Attributes:
        motion: of the points.
        layers: which points belong to the background and to each layer.
        alphas: (H, W) float32 0..1 per layer, lowest first: the part of the layer's motion that
            each pixel takes.
    """

    def __init__(
        self, picture: FloatArray, tracks: Tracks, tick: Callable[[], None] = lambda: None
    ) -> None:
        """Splits tracks on a picture (H, W, 3) 0..1; tick is called per layer, and may raise."""
        self.motion = motion_of(tracks)
        self.layers = segment_motion(self.motion)
        self.alphas: list[FloatArray] = []
        if not self.layers.over and not self.layers.background_moves:
            return
        guide_image = make_guide_image(picture)
        for layer in self.layers.over:
            self.alphas.append(alpha_map(guide_image, self.motion, self.layers, layer))
            tick()

    def background_field(self, frame: int) -> BackwardField | None:
        """The motion of the background at a frame; None at rest."""
        if not self.layers.background_moves:
            return None
        members = self.layers.background
        group = PointGroup(members, np.ones(len(members), np.float32))
        return field_at(self.motion, group, frame, None)

    def layer_field(
        self, layer: MotionSegment, frame: int, background: BackwardField | None
    ) -> BackwardField | None:
        """The motion of pixels that move fully with a layer, at a frame; None if everything rests.

        Args:
            layer: one of `layers.over`.
            frame: 0..T-1.
            background: the result of background_field for that frame.
        """
        strong = layer.alpha >= LEAST_ALPHA
        group = PointGroup(layer.members[strong], layer.alpha[strong])
        field = field_at(self.motion, group, frame, background)
        if field is None and background is not None:
            return BackwardField(np.zeros_like(background.values), background.cell)
        return field
