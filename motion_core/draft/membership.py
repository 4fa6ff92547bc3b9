"""How much of a sheet's motion each pixel takes, decided along the picture's own edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import Size
from .geodesic import geodesic_distance
from .motion import BoolArray, FloatArray, Motion
from .sheets import Sheet, Sheets, natural_reach

GRID_SIDE = 128
# A full change of likeness is as far as this fraction of the picture's short side.
EDGE_LENGTH = 0.05
# How much of the way between moving and resting points the change of share takes.
RAMP = 0.8
# Soft sheets are ramped between these shares.
LEVELS = (0.15, 0.38, 0.62, 0.85)
COLOUR_BINS = 16


@dataclass(frozen=True, eq=False)
class Guide:
    """A picture as a guide: small is RGB (gh, gw, 3) on the working grid, grey (H, W)."""

    small: FloatArray
    grey: FloatArray


def make_guide(picture: FloatArray) -> Guide:
    """The guide for a picture (H, W, 3)."""
    import cv2

    height, width = picture.shape[:2]
    factor = min(1.0, GRID_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return Guide(small, cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))


def share_map(guide: Guide, motion: Motion, sheets: Sheets, sheet: Sheet) -> FloatArray:
    """(H, W) float32 0..1: how much of the sheet's motion each pixel takes.

    One at the sheet's points, zero at all others, beyond the sheet's reach and, unless its points
    come near, where the picture ends. Between them the share falls with the distance from either
    side, measured along the picture: a change from colours of the sheet to colours of its
    surroundings counts as a long way, so that the fall happens there if there is such a change,
    and evenly over the gap if there is none.
    """
    grid = Size(guide.small.shape[1], guide.small.shape[0])
    level, away = _evidence(grid, motion, sheets, sheet)
    rigid = bool((sheet.share > 0.99).all())
    seeds = []
    for step in (0.5,) if rigid else LEVELS:
        seeds += [level >= step, away | ((level >= 0) & (level < step))]
    likeness = _likeness(guide.small, level > 0.3, seeds[1])
    climb = EDGE_LENGTH * grid.short_side
    costs = geodesic_distance(np.stack(seeds), likeness, climb)
    spans = np.stack([_distance(seed) for seed in seeds])
    lead = (costs[1::2] - costs[0::2]) / np.maximum(spans[0::2] + spans[1::2], 1e-3)
    share = np.clip(0.5 + RAMP * lead, 0, 1)
    share = (share * share * (3 - 2 * share)).mean(0)
    return _sharpened(share, guide)


def _evidence(
    grid: Size, motion: Motion, sheets: Sheets, sheet: Sheet
) -> tuple[FloatArray, BoolArray]:
    """(gh, gw) mean share of the points in each cell, -1 where there are none; and the cells that
    certainly do not belong to the sheet."""
    scale = grid.width / motion.canvas.width
    members = np.concatenate([one.members for one in sheets.over] + [sheets.base])
    share = np.zeros(len(motion.source), np.float32)
    share[sheet.members] = sheet.share
    cell = np.floor(motion.source * scale).astype(np.int64)
    cell = np.clip(cell, 0, np.array(grid) - 1)[members]
    flat = cell[:, 1] * grid.width + cell[:, 0]
    cells = grid.width * grid.height
    count = np.bincount(flat, minlength=cells)
    total = np.bincount(flat, share[members], cells)
    level = np.where(count > 0, total / np.maximum(count, 1), -1).astype(np.float32)
    level = level.reshape(grid.height, grid.width)
    far = _distance(level > 0)
    frame = np.ones_like(far, bool)
    frame[1:-1, 1:-1] = False
    margin = min(sheet.reach, natural_reach(motion.source[sheet.members], motion.canvas))
    return level, (far > sheet.reach * scale) | (frame & (far > margin * scale))


def _distance(seeds: BoolArray) -> FloatArray:
    import cv2

    if not seeds.any():
        return np.full(seeds.shape, 1e6, np.float32)
    return cv2.distanceTransform(np.where(seeds, 0, 1).astype(np.uint8), cv2.DIST_L2, 5)


def _likeness(small: FloatArray, mine: BoolArray, others: BoolArray) -> FloatArray:
    """(gh, gw) 0..1: how much more a cell's colour is at home around `mine` than around `others`.

    After Bai and Sapiro, "A geodesic framework for fast interactive image and video segmentation"
    (2007): it is the change of this, not of colour, that makes a border, so texture within a
    thing costs nothing.
    """
    import cv2

    around = max(2.0, 0.04 * min(small.shape[:2]))
    home = np.exp(-0.5 * (_distance(mine) / around) ** 2)
    abroad = np.exp(-0.5 * (_distance(others) / around) ** 2) * (1 - home)
    index = np.clip(small * COLOUR_BINS, 0, COLOUR_BINS - 1).astype(np.int64)
    flat = (index[..., 0] * COLOUR_BINS + index[..., 1]) * COLOUR_BINS + index[..., 2]
    here, there = _histogram(flat, home), _histogram(flat, abroad)
    likeness = ((here + 1e-5) / (here + there + 2e-5)).astype(np.float32)[flat]
    return cv2.bilateralFilter(cv2.medianBlur(likeness, 5), 5, 0.2, 2)


def _histogram(flat: np.ndarray, weights: FloatArray) -> np.ndarray:
    """Share of the weight in each colour bin, blurred over neighbouring bins."""
    side = COLOUR_BINS
    bins = np.bincount(flat.ravel(), weights.ravel(), side**3).reshape(side, side, side)
    for axis in range(3):
        ends = [(1, 1) if one == axis else (0, 0) for one in range(3)]
        wide = np.moveaxis(np.pad(bins, ends, mode="edge"), axis, 0)
        bins = np.moveaxis(0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:], 0, axis)
    return bins.ravel() / max(float(bins.sum()), 1e-9)


def _sharpened(share: FloatArray, guide: Guide) -> FloatArray:
    """The share at the picture's size, its borders drawn to the picture's edges.

    Guided filter (He, Sun and Tang, 2013): fitted on the working grid, applied at full size.
    """
    import cv2

    size = guide.grey.shape[::-1]
    grey = cv2.resize(guide.grey, share.shape[::-1], interpolation=cv2.INTER_AREA)

    def box(values: FloatArray) -> FloatArray:
        return cv2.blur(values, (5, 5), borderType=cv2.BORDER_REPLICATE)

    mean_grey, mean_share = box(grey), box(share)
    slope = (box(grey * share) - mean_grey * mean_share) / (box(grey * grey) - mean_grey**2 + 1e-2)
    offset = box(mean_share - slope * mean_grey)
    slope = cv2.resize(box(slope), size, interpolation=cv2.INTER_LINEAR)
    full = slope * guide.grey + cv2.resize(offset, size, interpolation=cv2.INTER_LINEAR)
    return np.clip((full - 0.05) / 0.9, 0, 1)
