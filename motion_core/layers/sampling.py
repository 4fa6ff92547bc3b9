"""Sampling a texture at places of its own plane, filtered where it shrinks."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import FloatArray

# A texture that shrinks by less needs no smaller copy of it.
LEAST_SHRINKING = 1.25
MOST_LEVELS = 6


class Texture:
    """An image over the plane of a picture, with smaller copies of itself.

    Where a frame shows it smaller than it is, colours come from a mean of two copies that have
    been reduced by whole powers of two (trilinear interpolation, Williams 1983), otherwise from
    bicubic interpolation. OpenCV rounds the places of samples to 1/32 of a pixel.

    Args:
        image: (H, W, C) float32, C up to 4.
        left, top: pixels, where its first pixel lies in the picture.
        sharp: False for bilinear interpolation throughout, which does not overshoot.
    """

    def __init__(
        self, image: FloatArray, left: int = 0, top: int = 0, *, sharp: bool = True
    ) -> None:
        self.sharp = sharp
        self.levels: list[FloatArray] = [np.ascontiguousarray(image, np.float32)]
        self.left, self.top = left, top

    def prepare(self, shrinking: float) -> None:
        """Makes the copies for a texture that is shown up to so many times smaller."""
        import cv2

        wanted = 1 + int(np.ceil(np.log2(max(shrinking, 1)) - 1e-6))
        while len(self.levels) < min(wanted, MOST_LEVELS) and shrinking > LEAST_SHRINKING:
            last = self.levels[-1]
            size = tuple(max(1, (side + 1) // 2) for side in last.shape[1::-1])
            # Even sides keep pixels of the copy on pairs of pixels.
            padded = cv2.copyMakeBorder(
                last, 0, last.shape[0] % 2, 0, last.shape[1] % 2, cv2.BORDER_REPLICATE
            )
            smaller = cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
            # OpenCV drops the axis of a single channel.
            self.levels.append(smaller.reshape(*smaller.shape[:2], last.shape[2]))

    def sample(self, places: FloatArray, shrinking: FloatArray | float, border: int) -> FloatArray:
        """(h, w, C) float32 values.

        Args:
            places: (h, w, 2) float32 pixels of the picture.
            shrinking: (h, w), or one number: how many pixels of the texture one pixel covers along
                a side.
            border: what lies past the edge, one of OpenCV's BORDER_ constants.
        """
        if len(self.levels) == 1 or np.max(shrinking) <= LEAST_SHRINKING:
            return self._at(0, places, border)
        shape = places.shape[:2]
        level = np.log2(np.maximum(np.broadcast_to(shrinking, shape), 1)).astype(np.float32)
        level = np.minimum(level, len(self.levels) - 1)
        out = np.zeros((*shape, self.levels[0].shape[2]), np.float32)
        for number in range(len(self.levels)):
            weight = np.maximum(1 - np.abs(level - number), 0)
            if weight.any():
                out += weight[..., None] * self._at(number, places, border)
        return out

    def _at(self, level: int, places: FloatArray, border: int) -> FloatArray:
        import cv2

        image, side = self.levels[level], 2.0**-level
        x = (places[..., 0] - np.float32(self.left)) * np.float32(side) - np.float32(0.5)
        y = (places[..., 1] - np.float32(self.top)) * np.float32(side) - np.float32(0.5)
        kernel = cv2.INTER_CUBIC if self.sharp and not level else cv2.INTER_LINEAR
        values = cv2.remap(image, x, y, kernel, borderMode=border, borderValue=0)
        return values.reshape(*places.shape[:2], image.shape[2])
