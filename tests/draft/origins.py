"""Where a draft takes its pixels from, by drawing coordinates in place of colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from motion_core.draft.compositor import Compositor
from motion_core.progress import silent
from motion_core.tracks import Tracks


class Origins:
    """The places of a picture (pixels, corner convention) that frames of its draft show."""

    def __init__(self, picture: torch.Tensor, tracks: Tracks) -> None:
        self.compositor = Compositor(picture, tracks, silent)
        height, width = picture.shape[:2]
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        places = np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.float32)
        self.compositor.picture = places
        self.compositor.textures = [
            replace(texture, colours=continued(places, texture.margin), behind=places)
            for texture in self.compositor.textures
        ]

    def at(self, frame: int) -> NDArray[np.float32]:
        """(H, W, 2)."""
        out = np.empty_like(self.compositor.picture)
        self.compositor.draw(frame, out)
        return out[..., :2]


def continued(places: NDArray[np.float32], margin: int) -> NDArray[np.float32]:
    """Coordinates that simply go on past the edge, in four channels."""
    height, width = places.shape[:2]
    x = np.arange(-margin, width + margin) + 0.5
    y = np.arange(-margin, height + margin) + 0.5
    x, y = np.meshgrid(x, y)
    return np.stack([x, y, 0 * x, 0 * x], axis=-1).astype(np.float32)
