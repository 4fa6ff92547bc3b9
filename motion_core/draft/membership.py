"""How much of a sheet's motion each pixel takes, decided along the picture's own borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from .completion import pull_push
from .geodesic import geodesic_distance
from .likeness import colour_bins, flattened, likeness_table, nearest_distance
from .motion import Motion
from .sheets import Sheet, Sheets, natural_reach

GRID_SIDE = 128
# Crossing from a thing to its surroundings is as far as this fraction of the short side. Where
# the gap between moving and resting points is wider than that, nobody knows which border is
# meant, and borders count for less and less.
BORDER_LENGTH = 0.1
# Where it is narrower they count for more, up to this.
MOST_TRUST = 2.0
# How fast the share falls on the way from moving to resting points.
RAMP = 0.8
# A soft sheet is ramped between these shares.
LEVELS = (0.15, 0.38, 0.62, 0.85)
# Cells of the window in which the share follows the borders, and the doubt that keeps it from
# following noise.
WINDOW, DOUBT = 5, 0.02
# The outermost shares are cut off: the border lies a little outside of the thing.
LOW_CUT, HIGH_CUT = 0.04, 0.84
CORRECTIONS = 2


@dataclass(frozen=True, eq=False)
class Guide:
    """A picture as a guide. bins: (H, W) colour boxes; grid_bins: (gh, gw) of the working grid."""

    bins: IndexArray
    grid_bins: IndexArray

    @property
    def grid(self) -> Size:
        """The working grid."""
        return Size(self.grid_bins.shape[1], self.grid_bins.shape[0])


def make_guide(picture: FloatArray) -> Guide:
    """The guide for a picture (H, W, 3)."""
    import cv2

    height, width = picture.shape[:2]
    factor = min(1.0, GRID_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return Guide(colour_bins(picture), colour_bins(small))


def share_map(guide: Guide, motion: Motion, sheets: Sheets, sheet: Sheet) -> FloatArray:
    """(H, W) float32 0..1: how much of the sheet's motion each pixel takes.

    One at a rigid sheet's points, zero at all others, beyond the sheet's reach and, unless its
    points come near, where the picture ends. Between them the share falls with the distance from
    either side, measured along the picture: a change from colours of the sheet to colours of its
    surroundings counts as a long way, so that the fall happens there if there is such a change,
    and evenly over the gap if there is none. A soft sheet falls as its points say, whatever the
    picture shows.
    """
    known = _known_shares(motion, sheets, sheet)
    level, away = _evidence(guide.grid, motion, sheet, known)
    cut = _soft_share if sheet.is_soft else _rigid_share
    share = cut(guide, level, away)
    share = np.clip((share - LOW_CUT) / (HIGH_CUT - LOW_CUT), 0, 1)
    return _kept_to(known, motion, share, guide.grid)


def _rigid_share(guide: Guide, level: FloatArray, away: BoolArray) -> FloatArray:
    """(H, W) for what moves as one, its borders cut along the picture."""
    import cv2

    seeds = np.stack([level >= 0.5, away | ((level >= 0) & (level < 0.5))])
    near, far = (nearest_distance(seed) for seed in seeds)
    gap = np.maximum(near + far, 1e-3)
    lead = (far - near) / gap
    between = gap[np.abs(lead) < 0.5]
    usual = float(np.median(between)) if between.size else 1.0
    table = likeness_table(guide.grid_bins, near, far, usual)
    likeness = cv2.medianBlur(table[guide.bins], 5)
    crossing = BORDER_LENGTH * guide.grid.short_side
    costs = geodesic_distance(seeds, flattened(likeness, guide.grid), crossing)
    borders = (costs[1] - costs[0]) / gap - lead
    share = _fall(lead + borders * np.minimum(crossing / gap, MOST_TRUST))
    return _sharpened(share, likeness, DOUBT * np.maximum(gap / crossing, 1) ** 2)


def _soft_share(guide: Guide, level: FloatArray, away: BoolArray) -> FloatArray:
    """(H, W) for what moves less and less towards its rim: the mean over shares of how far
    each place is on the way from points with less to points with more."""
    import cv2

    shares = []
    for step in LEVELS:
        near = nearest_distance(level >= step)
        far = nearest_distance(away | ((level >= 0) & (level < step)))
        shares.append(_fall((far - near) / np.maximum(near + far, 1e-3)))
    share = cv2.blur(np.mean(shares, axis=0), (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(share, guide.bins.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _fall(lead: FloatArray) -> FloatArray:
    """Smoothly from one where moving points are nearer to zero where resting ones are."""
    share = np.clip(0.5 + RAMP * lead, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _known_shares(motion: Motion, sheets: Sheets, sheet: Sheet) -> FloatArray:
    """(N,) the share of every point; -1 for points on no sheet, which say nothing."""
    known = np.full(len(motion.source), np.float32(-1))
    for other in sheets.over:
        known[other.members] = 0
    known[sheets.base] = 0
    known[sheet.members] = sheet.share
    return known


def _evidence(
    grid: Size, motion: Motion, sheet: Sheet, known: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """(gh, gw) mean share of the points in each cell, -1 where there are none; and the cells that
    certainly do not belong to the sheet."""
    scale = grid.width / motion.canvas.width
    told = known >= 0
    cell = np.floor(motion.source[told] * scale).astype(np.int64)
    cell = np.clip(cell, 0, np.array(grid) - 1)
    flat = cell[:, 1] * grid.width + cell[:, 0]
    count = np.bincount(flat, minlength=grid.width * grid.height)
    total = np.bincount(flat, known[told], grid.width * grid.height)
    level = np.where(count > 0, total / np.maximum(count, 1), -1).astype(np.float32)
    level = level.reshape(grid.height, grid.width)
    far = nearest_distance(level > 0)
    frame = np.ones_like(far, bool)
    frame[1:-1, 1:-1] = False
    margin = min(sheet.reach, natural_reach(motion.source[sheet.members], motion.canvas))
    return level, (far > sheet.reach * scale) | (frame & (far > margin * scale))


def _sharpened(share: FloatArray, likeness: FloatArray, doubt: FloatArray) -> FloatArray:
    """The share (gh, gw) at the size of the likeness (H, W), its borders drawn to those there.

    Guided filter (He, Sun and Tang, 2013): fitted on the working grid, applied at full size.
    """
    import cv2

    small, full = share.shape[::-1], likeness.shape[::-1]
    guide = cv2.resize(likeness, small, interpolation=cv2.INTER_AREA).reshape(share.shape)

    def box(values: FloatArray) -> FloatArray:
        return cv2.blur(values, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)

    mean_guide, mean_share = box(guide), box(share)
    slope = box(guide * share) - mean_guide * mean_share
    slope /= box(guide * guide) - mean_guide**2 + doubt
    offset = box(mean_share - slope * mean_guide)
    large = cv2.resize(box(slope), full, interpolation=cv2.INTER_LINEAR) * likeness
    large += cv2.resize(offset, full, interpolation=cv2.INTER_LINEAR)
    return large


def _kept_to(known: FloatArray, motion: Motion, share: FloatArray, grid: Size) -> FloatArray:
    """The share bent to what the points say; smoothing must not make pins move. Pixels that take
    all or nothing keep to it, so that borders stay sharp."""
    import cv2

    height, width = share.shape
    told = known >= 0
    points, known = motion.source[told], known[told]
    pixel = np.clip(np.floor(points).astype(np.int64), 0, [width - 1, height - 1])
    for _ in range(CORRECTIONS):
        wrong = share[pixel[:, 1], pixel[:, 0]] - known
        cells = points * (grid.width / width)
        excess = pull_push(cells, wrong[:, None], np.ones_like(wrong), grid)
        excess = cv2.resize(excess, (width, height), interpolation=cv2.INTER_LINEAR)
        share = np.clip(share - excess * np.minimum(12 * share * (1 - share), 1), 0, 1)
    return share
