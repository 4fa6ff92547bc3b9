"""Salient objects of a picture, by the shipped U²-Net-p."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..fields.arrays import FloatArray
from ..geometry import Size
from ..weights_io import load_into, read_safetensors
from .u2net import U2NetP

WEIGHTS = Path(__file__).parent / "weights" / "u2netp.safetensors"
KIND = "u2netp"
# The side at which the network was trained, and its normalisation: ImageNet's mean and deviation
# after division by the largest value of the picture.
SIDE = 320
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class Box(NamedTuple):
    """A rectangle of the picture in pixels, its right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(self.right - self.left, self.bottom - self.top)


@lru_cache(maxsize=1)
def saliency_network() -> U2NetP:
    """The network with its shipped weights, on the CPU, ready for inference.

    Raises:
        FileNotFoundError, FormatError: the pack's weight file is missing or broken.
    """
    tensors, _ = read_safetensors(WEIGHTS)
    with torch.device("meta"):
        network = U2NetP()
    load_into(network, {name: value.float() for name, value in tensors.items()}, str(WEIGHTS))
    return network.eval().requires_grad_(False)


def saliency(picture: FloatArray, box: Box, side: int = SIDE) -> FloatArray:
    """How salient each pixel of a box is among the pixels of that box alone.

    Args:
        picture: (H, W, 3) float32 0..1.
        box: the part to look at.
        side: of the square that the network receives.

    Returns:
        (h, w) float32 log odds, of the box's size.
    """
    import cv2

    part = picture[box.slices]
    shrinks = max(part.shape[:2]) > side
    square = cv2.resize(
        part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    square = (square / max(float(square.max()), 1e-6) - MEAN) / DEVIATION
    planes = torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))[None]
    with torch.inference_mode():
        logits = saliency_network().logits(planes)[0, 0].numpy()
    return cv2.resize(logits, box.size, interpolation=cv2.INTER_LINEAR)
