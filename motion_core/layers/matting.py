"""Soft alpha along the outline of a cut, and the colours on both sides of a soft edge."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from ..fields.pull_push import spread_sums
from ..geometry import Size

# The soft edge is looked for within this distance of the outline, twice the radius of the guided
# filter: pixels of a 512-pixel picture, and of any.
BAND_PX, LEAST_BAND_PX = 5.0, 3.0
# Colours on both sides that differ by less leave the decision to the cut.
LEAST_CONTRAST = 0.15
# A mean of fewer pixels, as a fraction of the Gaussian's window, is none.
LEAST_WEIGHT = 0.02
# Regularisation of the guided filter, in squared units of colour.
EPSILON = 4e-4
# Alpha maps are solved at no more than this long side, and applied at full size.
SOLVED_SIDE = 1024
# What the filter leaves of full and of no opacity is cut off.
LOW_CUT, HIGH_CUT = 0.08, 0.92
# Squared alpha at which half of a colour's correction is applied: faint pixels are all noise.
FAINT = 2e-3
# Colours are taken from pixels that belong to one side at least so far.
SURE = 0.98
COLOUR_SIDE = 512


def soft_alpha(picture: FloatArray, inside: FloatArray) -> FloatArray:
    """The opacity of a thing along its outline.

    Near the outline a pixel's colour is compared with the mean colours a little further in and
    out: alpha is its place on the line between the two, as far as they differ and it lies on that
    line; else the cut decides. The colour guided filter (He, Sun and Tang, 2013, section 3.4) then
    fits alpha as a linear function of colour in windows, which is one step of closed-form matting
    (Levin et al. 2008). It is solved at a reduced size and applied at full size.

    Args:
        picture: (H, W, 3) float32 0..1.
        inside: (h, w) float32, 1 inside of the cut and 0 outside, at any size.

    Returns:
        (H, W) float32 0..1.
    """
    height, width = picture.shape[:2]
    full = Size(width, height)
    size = full.scaled(min(1.0, SOLVED_SIDE / max(full)))
    small, cut = _resized(picture, size), _resized(inside, size)
    band = max(LEAST_BAND_PX, BAND_PX * max(size) / 512)
    signed = _signed_distance(cut)
    alpha = _unmixed(small, cut, signed, band)
    slopes, offset = _colour_guided(small, alpha, max(1, round(band / 2)))
    near = np.clip(2 - 2 * np.abs(signed) / (band + 1), 0, 1)
    near, plain = _resized(near.astype(np.float32), full), _resized(inside, full)
    slopes, offset = _resized(slopes, full), _resized(offset, full)
    alpha = np.einsum("hwc,hwc->hw", slopes, picture) + offset
    alpha = np.clip((alpha - LOW_CUT) / (HIGH_CUT - LOW_CUT), 0, 1)
    return np.clip(plain + near * (alpha - plain), 0, 1).astype(np.float32)


def thing_colours(picture: FloatArray, alpha: FloatArray, plate: FloatArray) -> FloatArray:
    """The thing's own colours, continued to where it is transparent.

    Opaque pixels keep their colours. Elsewhere the colours of the nearest opaque ones go on
    (pull-push), corrected so that alpha * colour + (1 - alpha) * plate is the picture, the less
    the fainter a pixel is.

    Args:
        picture: (H, W, 3) float32 0..1.
        alpha: (H, W) float32 0..1.
        plate: (H, W, 3) float32 0..1, what lies behind.

    Returns:
        (H, W, 3) float32 0..1.
    """
    height, width = alpha.shape
    full = Size(width, height)
    size = full.scaled(min(1.0, COLOUR_SIDE / max(full)))
    sure = (alpha >= min(SURE, float(alpha.max()))).astype(np.float32)
    # Small pixels count where all of theirs are sure; the largest part where none is.
    part = _resized(sure, size)
    weight = (part >= min(0.999, float(part.max()))).astype(np.float32)[..., None]
    sums = np.concatenate([_resized(picture, size) * weight, weight], axis=-1)
    colours = _resized(spread_sums(sums), full)
    opaque = alpha >= SURE
    colours[opaque] = picture[opaque]
    edge = np.nonzero((alpha > 0) & ~opaque)
    over, own = alpha[edge][:, None], colours[edge]
    missing = picture[edge] - over * own - (1 - over) * plate[edge]
    colours[edge] = own + missing * (over / (over**2 + FAINT))
    return np.clip(colours, 0, 1, out=colours)


def _signed_distance(cut: FloatArray) -> FloatArray:
    """(h, w) float32: distance from the outline, positive inside; at most the longest side."""
    import cv2

    inside = (cut >= 0.5).astype(np.uint8)
    most = float(max(cut.shape))
    within = np.minimum(cv2.distanceTransform(inside, cv2.DIST_L2, 5), most)
    return within - np.minimum(cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5), most)


def _unmixed(picture: FloatArray, cut: FloatArray, signed: FloatArray, band: float) -> FloatArray:
    """(h, w) float32: alpha by the colours on both sides of the outline."""
    inner, some_inner = _local_mean(picture, signed > band, band)
    outer, some_outer = _local_mean(picture, signed < -band, band)
    across = inner - outer
    length = np.einsum("hwc,hwc->hw", across, across)
    part = np.einsum("hwc,hwc->hw", picture - outer, across) / np.maximum(length, 1e-6)
    part = np.clip(part, 0, 1)
    off = picture - outer - part[..., None] * across
    error = np.einsum("hwc,hwc->hw", off, off)
    known = length / (length + 4 * error + LEAST_CONTRAST**2)
    known *= (np.abs(signed) <= band) & some_inner & some_outer
    return (cut + known * (part - cut)).astype(np.float32)


def _local_mean(picture: FloatArray, where: BoolArray, band: float) -> tuple[FloatArray, BoolArray]:
    """Mean colour (h, w, 3) of the nearest pixels of a set, and where (h, w) there are some."""
    import cv2

    weight = where.astype(np.float32)
    sums = np.concatenate([picture * weight[..., None], weight[..., None]], axis=-1)
    sums = cv2.GaussianBlur(sums, (0, 0), band, borderType=cv2.BORDER_REPLICATE)
    return sums[..., :3] / np.maximum(sums[..., 3:], 1e-6), sums[..., 3] > LEAST_WEIGHT


def _colour_guided(
    guide: FloatArray, values: FloatArray, radius: int
) -> tuple[FloatArray, FloatArray]:
    """Slopes (h, w, 3) and offset (h, w) of the guided filter with a colour guide.

    Both are applied to a finer picture than they are fitted on; kornia's guided_blur keeps them to
    itself.
    """
    import cv2

    window = (2 * radius + 1, 2 * radius + 1)

    def box(plane: FloatArray) -> FloatArray:
        return cv2.blur(plane, window, borderType=cv2.BORDER_REFLECT)

    mean_guide, mean_value = box(guide), box(values)
    products = guide[..., :, None] * guide[..., None, :]
    upper = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    spread = [
        box(np.ascontiguousarray(products[..., i, j])) - mean_guide[..., i] * mean_guide[..., j]
        for i, j in upper
    ]
    for place in (0, 3, 5):
        spread[place] = spread[place] + EPSILON
    tied = box(guide * values[..., None]) - mean_guide * mean_value[..., None]
    slopes = _solved(spread, tied)
    offset = mean_value - np.einsum("hwc,hwc->hw", slopes, mean_guide)
    return box(slopes), box(offset)


def _solved(spread: list[FloatArray], tied: FloatArray) -> FloatArray:
    """(h, w, 3) by cofactors; spread: xx, xy, xz, yy, yz, zz of symmetric 3 x 3 systems."""
    xx, xy, xz, yy, yz, zz = spread
    first = np.stack([yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy], -1)
    second = np.stack([first[..., 1], xx * zz - xz * xz, xy * xz - xx * yz], -1)
    third = np.stack([first[..., 2], second[..., 2], xx * yy - xy * xy], -1)
    determinant = xx * first[..., 0] + xy * first[..., 1] + xz * first[..., 2]
    rows = (np.einsum("hwc,hwc->hw", row, tied) for row in (first, second, third))
    return np.stack(list(rows), -1) / determinant[..., None]


def _resized(plane: FloatArray, size: Size) -> FloatArray:
    """A map (h, w) or (h, w, C) at another size: the mean where it shrinks, else bilinear."""
    import cv2

    if plane.shape[1::-1] == size:
        return plane
    shrinks = size.width < plane.shape[1]
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
