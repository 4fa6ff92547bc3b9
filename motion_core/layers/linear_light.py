"""Conversion between sRGB values and linear light (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import FloatArray


def to_linear(picture: FloatArray) -> FloatArray:
    """Float32 linear light of sRGB values, 0..1; values outside are clipped."""
    value = np.clip(picture, 0, 1).astype(np.float32)
    curve = ((value + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(value <= 0.04045, value / np.float32(12.92), curve)


def to_srgb(light: FloatArray) -> FloatArray:
    """Float32 sRGB values of linear light, 0..1; values outside are clipped."""
    value = np.asarray(np.clip(light, 0, 1), np.float32)
    curve = np.asarray(value ** np.float32(1 / 2.4))
    curve *= np.float32(1.055)
    curve -= np.float32(0.055)
    is_dark = value <= np.float32(0.0031308)
    np.copyto(curve, value * np.float32(12.92), where=is_dark)
    return curve
