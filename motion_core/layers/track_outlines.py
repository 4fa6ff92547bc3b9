"""Outlines of things by the tracks around them: each cell goes with tracks that are near and alike.

Tracks that were measured in a clip lie all over the picture, on the background as well as on
things. Then they say themselves what moves how; no cut has to be guessed between them.
"""

from __future__ import annotations

import numpy as np

from ..fields.arrays import FloatArray, IndexArray

# A track at distance d counts by d^-NEARNESS against the nearest, and by exp(-difference) for how
# much less alike its place is: in colour (Lab / 100, blurred over a part of the long side) and in
# saliency.
NEARNESS, COLOUR, SALIENCY = 3.0, 4.0, 2.0
BLUR = 1 / 64
# The nearest tracks of every cell that count, and the distance that counts as none, in cells.
NEAREST, SAME_CELL = 24, 0.7
# Deviation of the Gaussian that smooths the shares of the labels, in cells.
SMOOTH = 1.0


def labelled_cells(
    picture: FloatArray, salient: FloatArray, places: FloatArray, labels: IndexArray
) -> IndexArray:
    """The label of the tracks that each cell of a picture goes with.

    A cell takes the label with the largest share of the weights of its nearest tracks; a cell with
    a track in it takes that track's, as a rule.

    Args:
        picture: (h, w, 3) float32 0..1, one pixel per cell.
        salient: (h, w) 0..1.
        places: (N, 2) of the tracks, in cells; N of one or more.
        labels: (N,) 0 or more.

    Returns:
        (h, w) int64.
    """
    import cv2
    from scipy.spatial import KDTree

    height, width = salient.shape
    looks = looks_of(picture, salient)
    looks = looks.reshape(-1, looks.shape[-1])
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    cells = np.stack([x.ravel(), y.ravel()], axis=-1)
    count = min(NEAREST, len(places))
    away, index = (found.reshape(len(cells), count) for found in KDTree(places).query(cells, count))
    away = np.maximum(away, SAME_CELL)
    column, row = np.clip(np.floor(places), 0, [width - 1, height - 1]).astype(np.int64).T
    own = looks[row * width + column]
    unlike = np.linalg.norm(looks[:, None] - own[index], axis=-1)
    weight = (away[:, :1] / away) ** NEARNESS * np.exp(-unlike)
    kinds = int(labels.max()) + 1
    flat = np.arange(len(cells))[:, None] * kinds + labels[index]
    shares = np.bincount(flat.ravel(), weight.ravel(), len(cells) * kinds)
    shares = shares.reshape(height, width, kinds)
    shares /= shares.sum(axis=-1, keepdims=True)
    planes = [cv2.GaussianBlur(shares[..., kind], (0, 0), SMOOTH) for kind in range(kinds)]
    return np.argmax(planes, axis=0)


def looks_of(picture: FloatArray, salient: FloatArray) -> FloatArray:
    """(h, w, 4) float32: colour and saliency of every cell, so that distances compare them.

    Args:
        picture: (h, w, 3) float32 0..1.
        salient: (h, w) 0..1.
    """
    import cv2

    lab = cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2LAB) / 100
    lab = cv2.GaussianBlur(lab, (0, 0), BLUR * max(salient.shape))
    return np.concatenate([COLOUR * lab, SALIENCY * salient[..., None]], axis=-1)
