"""Figures of a clip that filters and the report read: motion, shake, brightness, a hash."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Size
from .frames import Picture

# The short side at which flow is measured; of a hashed picture, and of the coefficients kept.
FLOW_SIDE, DCT_SIDE, HASH_SIDE = 128, 32, 8
HASHED_FRAMES = 3


@dataclass(frozen=True)
class ClipFigures:
    """What is measured of every clip.

    Attributes:
        motion: Motion score: mean length of the optical flow between neighbouring frames over all
            pixels, in short sides per second. Image Conductor ranks clips by flow and drops the
            lowest quarter.
        shake: Mean change of the median flow from one step to the next, in short sides per second;
            0 for a still camera and for a steady pan.
        brightness: Mean luma, 0..1.
        contrast: Standard deviation of luma, 0..1.
        phash: DCT hash of the first, middle and last frame: 192 bits, hexadecimal.
    """

    motion: float
    shake: float
    brightness: float
    contrast: float
    phash: str

    def to_values(self) -> dict[str, Any]:
        """The figures as values of JSON."""
        return asdict(self)


def content_key(pictures: Picture, fps: float) -> str:
    """20 hexadecimal digits that depend on the pixels and the rate of a clip alone."""
    head = f"{pictures.shape} {fps!r} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(pictures).tobytes()).hexdigest()[:20]


def measure_clip(pictures: Picture, fps: float) -> ClipFigures:
    """Figures of a clip (T, H, W, 3) uint8 RGB, T >= 2, at `fps` frames per second."""
    grey = _grey(pictures)
    flows = _flows(grey)
    short = min(grey.shape[1:])
    length = np.linalg.norm(flows, axis=-1).mean(dtype=np.float64)
    median = np.median(flows.reshape(len(flows), -1, 2), axis=1).astype(np.float64)
    change = np.linalg.norm(np.diff(median, axis=0), axis=-1)
    luma = grey.astype(np.float64) / 255
    return ClipFigures(
        motion=_rounded(length * fps / short),
        shake=_rounded(float(change.mean()) * fps / short if len(change) else 0.0),
        brightness=_rounded(luma.mean()),
        contrast=_rounded(luma.std()),
        phash=perceptual_hash(pictures),
    )


def perceptual_hash(pictures: Picture) -> str:
    """DCT hash of three frames: whether each of the 8 x 8 lowest coefficients of a grey picture of
    32 x 32 is above their median; 48 hexadecimal digits.

    Flat areas, whose small differences compression changes, weigh little in it.
    """
    import cv2

    bits = []
    for index in np.linspace(0, len(pictures) - 1, HASHED_FRAMES).round().astype(int):
        grey = cv2.cvtColor(pictures[index], cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (DCT_SIDE, DCT_SIDE), interpolation=cv2.INTER_AREA)
        low = cv2.dct(small.astype(np.float32))[:HASH_SIDE, :HASH_SIDE].ravel()
        bits.append(low > np.median(low))
    return np.packbits(np.concatenate(bits)).tobytes().hex()


def _grey(pictures: Picture) -> Picture:
    import cv2

    size = Size(pictures.shape[2], pictures.shape[1])
    factor = min(1.0, FLOW_SIDE / size.short_side)
    small = size.scaled(factor)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    if factor < 1:
        grey = [cv2.resize(one, tuple(small), interpolation=cv2.INTER_AREA) for one in grey]
    return np.stack(grey).astype(np.uint8)


def _flows(grey: Picture) -> NDArray[np.float32]:
    """(T - 1, H, W, 2) pixels."""
    import cv2

    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    least = [(0, max(0, 32 - side)) for side in grey.shape[1:]]
    padded = np.pad(grey, [(0, 0), *least], mode="edge")
    height, width = grey.shape[1:]
    return np.stack(
        [
            np.asarray(dis.calc(one, other, np.empty(0)), np.float32)[:height, :width]
            for one, other in zip(padded, padded[1:], strict=False)
        ]
    )


def _rounded(value: float) -> float:
    """Six digits: the last bits of a mean differ between processors."""
    return float(f"{value:.6g}")
