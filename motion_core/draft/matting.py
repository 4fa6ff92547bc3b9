"""Alpha maps: how much of a layer's motion each pixel takes, cut along the picture's borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from ..layers.motion_segments import MotionSegment, MotionSegments, natural_reach
from ..layers.track_motion import Motion
from .colour_affinity import affinity_table, colour_bins, flattened, nearest_distance
from .completion import pull_push
from .geodesic import geodesic_distance

GRID_SIDE = 128
# Cost of crossing from an object to its surroundings, as a fraction of the short side. Where
# the gap between moving and resting points is wider than that, the border is ambiguous, and
# borders count for less and less.
BORDER_LENGTH = 0.1
# Where it is narrower they count for more, up to this.
MOST_BORDER_WEIGHT = 2.0
# How fast alpha falls on the way from moving to resting points.
RAMP = 0.8
# A soft layer is ramped between these alphas.
LEVELS = (0.15, 0.38, 0.62, 0.85)
# The guided filter: cells of its window, and the regularisation that keeps alpha from following
# noise.
WINDOW, EPSILON = 5, 0.02
# The outermost alphas are cut off: the border lies slightly outside of the object.
LOW_CUT, HIGH_CUT = 0.04, 0.84
CORRECTIONS = 2


@dataclass(frozen=True, eq=False)
class GuideImage:
    """A picture that guides the cutting.

    Attributes:
        bins: (H, W) colour boxes of the pixels.
        grid_bins: (gh, gw) colour boxes of the working grid.
    """

    bins: IndexArray
    grid_bins: IndexArray

    @property
    def grid(self) -> Size:
        """The working grid."""
        return Size(self.grid_bins.shape[1], self.grid_bins.shape[0])


def make_guide_image(picture: FloatArray) -> GuideImage:
    """The guide image of a picture (H, W, 3)."""
    import cv2

    height, width = picture.shape[:2]
    factor = min(1.0, GRID_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return GuideImage(colour_bins(picture), colour_bins(small))


def alpha_map(
    guide_image: GuideImage, motion: Motion, layers: MotionSegments, layer: MotionSegment
) -> FloatArray:
    """The part of the layer's motion that each pixel takes.

    Alpha is one at a rigid layer's points and zero at all others, beyond the layer's reach and,
    unless its points come near, at the picture's edge. Between them alpha falls with the distance
    from either side, measured along the picture: a change from colours of the layer to colours of
    its surroundings counts as a long distance, so alpha falls at such a change, or evenly over the
    gap if there is none. The alpha of a soft layer interpolates its points, whatever the picture
    shows.

    Args:
        guide_image: of the picture.
        motion: of all points.
        layers: of the motion.
        layer: one of them.

    Returns:
        (H, W) float32 0..1.
    """
    known = _known_alphas(motion, layers, layer)
    level, away = _constraints(guide_image.grid, motion, layer, known)
    cut = _soft_alpha if layer.is_soft else _rigid_alpha
    alpha = cut(guide_image, level, away)
    alpha = np.clip((alpha - LOW_CUT) / (HIGH_CUT - LOW_CUT), 0, 1)
    return _corrected(known, motion, alpha, guide_image.grid)


def _rigid_alpha(guide_image: GuideImage, level: FloatArray, away: BoolArray) -> FloatArray:
    """(H, W) for what moves as one, its borders cut along the picture."""
    import cv2

    seeds = np.stack([level >= 0.5, away | ((level >= 0) & (level < 0.5))])
    near, far = (nearest_distance(seed) for seed in seeds)
    gap = np.maximum(near + far, 1e-3)
    nearness = (far - near) / gap
    between = gap[np.abs(nearness) < 0.5]
    usual = float(np.median(between)) if between.size else 1.0
    table = affinity_table(guide_image.grid_bins, near, far, usual)
    affinity = cv2.medianBlur(table[guide_image.bins], 5)
    crossing = BORDER_LENGTH * guide_image.grid.short_side
    costs = geodesic_distance(seeds, flattened(affinity, guide_image.grid), crossing)
    borders = (costs[1] - costs[0]) / gap - nearness
    alpha = _falloff(nearness + borders * np.minimum(crossing / gap, MOST_BORDER_WEIGHT))
    return _sharpened(alpha, affinity, EPSILON * np.maximum(gap / crossing, 1) ** 2)


def _soft_alpha(guide_image: GuideImage, level: FloatArray, away: BoolArray) -> FloatArray:
    """(H, W) for what moves less and less towards its rim: the mean over LEVELS of how
    far each place is on the way from points below a level to points above it."""
    import cv2

    alphas = []
    for step in LEVELS:
        near = nearest_distance(level >= step)
        far = nearest_distance(away | ((level >= 0) & (level < step)))
        alphas.append(_falloff((far - near) / np.maximum(near + far, 1e-3)))
    alpha = cv2.blur(np.mean(alphas, axis=0), (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(alpha, guide_image.bins.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _falloff(nearness: FloatArray) -> FloatArray:
    """Smoothly from one where moving points are nearer to zero where resting ones are."""
    alpha = np.clip(0.5 + RAMP * nearness, 0, 1)
    return (alpha * alpha * (3 - 2 * alpha)).astype(np.float32)


def _known_alphas(motion: Motion, layers: MotionSegments, layer: MotionSegment) -> FloatArray:
    """(N,) alpha of every point; -1 where it is unknown, for points on no layer."""
    known = np.full(len(motion.source), np.float32(-1))
    for other in layers.over:
        known[other.members] = 0
    known[layers.background] = 0
    known[layer.members] = layer.alpha
    return known


def _constraints(
    grid: Size, motion: Motion, layer: MotionSegment, known: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """(gh, gw) mean alpha of the points in each cell, -1 where there are none; and the cells that
    certainly do not belong to the layer."""
    scale = grid.width / motion.canvas.width
    is_known = known >= 0
    cell = np.floor(motion.source[is_known] * scale).astype(np.int64)
    cell = np.clip(cell, 0, np.array(grid) - 1)
    flat = cell[:, 1] * grid.width + cell[:, 0]
    count = np.bincount(flat, minlength=grid.width * grid.height)
    total = np.bincount(flat, known[is_known], grid.width * grid.height)
    level = np.where(count > 0, total / np.maximum(count, 1), -1).astype(np.float32)
    level = level.reshape(grid.height, grid.width)
    far = nearest_distance(level > 0)
    frame = np.ones_like(far, bool)
    frame[1:-1, 1:-1] = False
    margin = min(layer.reach, natural_reach(motion.source[layer.members], motion.canvas))
    return level, (far > layer.reach * scale) | (frame & (far > margin * scale))


def _sharpened(alpha: FloatArray, affinity: FloatArray, epsilon: FloatArray) -> FloatArray:
    """Alpha (gh, gw) at the size of the affinity (H, W), its borders drawn to those there.

    Guided filter (He, Sun and Tang, 2013): fitted on the working grid, applied at full size.
    kornia.filters.guided_blur gives neither: its input has the size of its guide, its
    regularisation is one number per image, and the fitted slopes stay inside.
    """
    import cv2

    small, full = alpha.shape[::-1], affinity.shape[::-1]
    guide_image = cv2.resize(affinity, small, interpolation=cv2.INTER_AREA).reshape(alpha.shape)

    def box(values: FloatArray) -> FloatArray:
        return cv2.blur(values, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)

    mean_guide, mean_alpha = box(guide_image), box(alpha)
    slope = box(guide_image * alpha) - mean_guide * mean_alpha
    slope /= box(guide_image * guide_image) - mean_guide**2 + epsilon
    offset = box(mean_alpha - slope * mean_guide)
    large = cv2.resize(box(slope), full, interpolation=cv2.INTER_LINEAR) * affinity
    large += cv2.resize(offset, full, interpolation=cv2.INTER_LINEAR)
    return large


def _corrected(known: FloatArray, motion: Motion, alpha: FloatArray, grid: Size) -> FloatArray:
    """Alpha with its error at the points taken out: smoothing must not make pins move. Pixels that
    take all or nothing stay as they are, so that borders stay sharp."""
    import cv2

    height, width = alpha.shape
    is_known = known >= 0
    points, known = motion.source[is_known], known[is_known]
    pixel = np.clip(np.floor(points).astype(np.int64), 0, [width - 1, height - 1])
    for _ in range(CORRECTIONS):
        error = alpha[pixel[:, 1], pixel[:, 0]] - known
        cells = points * (grid.width / width)
        excess = pull_push(cells, error[:, None], np.ones_like(error), grid)
        excess = cv2.resize(excess, (width, height), interpolation=cv2.INTER_LINEAR)
        alpha = np.clip(alpha - excess * np.minimum(12 * alpha * (1 - alpha), 1), 0, 1)
    return alpha
