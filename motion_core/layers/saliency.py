"""Salient objects of a picture, by the shipped U²-Net-p."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
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
# So many maps of at most SIDE x SIDE are kept.
MOST_KEPT = 16
_KEPT: OrderedDict[bytes, FloatArray] = OrderedDict()
_LOCK = Lock()


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

    Channels come last in memory: convolutions take a tenth less time.

    Raises:
        FileNotFoundError, FormatError: the pack's weight file is missing or broken.
    """
    tensors, _ = read_safetensors(WEIGHTS)
    with torch.device("meta"):
        network = U2NetP()
    load_into(network, {name: value.float() for name, value in tensors.items()}, str(WEIGHTS))
    network = network.eval().requires_grad_(False)
    # Channels last is faster on CPUs. The stubs of torch leave this overload of nn.Module.to out.
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


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
    return cv2.resize(_log_odds(square), box.size, interpolation=cv2.INTER_LINEAR)


def _log_odds(square: FloatArray) -> FloatArray:
    """(side, side) of a normalised picture (side, side, 3); those of the last pictures are kept, so
    that another drag on a picture costs less."""
    key = blake2b(np.ascontiguousarray(square).data, digest_size=16).digest()
    with _LOCK:
        known = _KEPT.get(key)
    if known is not None:
        return known
    planes = torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))[None]
    with torch.inference_mode():
        logits = saliency_network().logits(planes)[0, 0].numpy()
    with _LOCK:
        _KEPT[key] = logits
        while len(_KEPT) > MOST_KEPT:
            _KEPT.popitem(last=False)
    return logits
