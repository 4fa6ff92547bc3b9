"""Filling by example: a hole is covered with patches that occur around it."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..fields.fill import fill_behind
from ..fields.pull_push import spread_sums
from ..geometry import Size

# Patches have this radius; they are matched at these long sides, coarse to fine.
RADIUS = 3
SIDES = (40, 80, 160)
# Rounds of matching and averaging per side, and searches per round.
ROUNDS, SEARCHES = (6, 4, 2), 2
# Random candidates per search: the first lies anywhere, each next one half as far away.
CANDIDATES = 5
# A hole is refilled coarsely, instead of by example, where less of the picture than this is known.
LEAST_KNOWN = 0.05
# Copies are compared with the picture within this fraction of the long side outside of the hole;
# a larger difference of colour is structure, and is cut off.
RIM, MOST_OFF = 0.006, 0.12


def fill_by_example(picture: FloatArray, removed: BoolArray) -> FloatArray:
    """The picture with some pixels filled by patches of the rest.

    Wexler, Shechtman and Irani, "Space-time completion of video" (2007), for one picture: from
    coarse to fine, every patch that touches the hole is matched with the most similar patch of
    known pixels, and every pixel of the hole takes the mean of what its patches show there. The
    matches are found by random search and propagation (PatchMatch: Barnes et al. 2009), all
    pixels at once. The matches of the finest side are copied at full size.

    Args:
        picture: (H, W, 3) float32 0..1.
        removed: (H, W) bool, the pixels to fill.

    Returns:
        (H, W, 3) float32; the same for the same input.
    """
    if not removed.any() or removed.all():
        return picture
    full = Size(removed.shape[1], removed.shape[0])
    smooth = fill_behind(picture, removed)
    random = np.random.default_rng(0)
    level: _Level | None = None
    for side, rounds in zip(SIDES, ROUNDS, strict=True):
        size = full.scaled(min(1.0, side / max(full)))
        finer = _Level.after(level, _resized(smooth, size), _touched(removed, size), random)
        if finer is None:
            continue
        level = finer
        for _ in range(rounds):
            level.match(random)
            level.average()
    return smooth if level is None else _copied(picture, removed, level)


class _Level:
    """A picture at one size, and the matches of the patches that touch its hole.

    Attributes:
        picture: (h, w, 3), its hole filled.
        hole: (h, w) bool.
        targets: (n, 2) rows and columns of the centres of patches that touch the hole.
        sources: (n, 2) centres of their matches.
    """

    def __init__(
        self, picture: FloatArray, hole: BoolArray, sources: IndexArray, targets: IndexArray
    ) -> None:
        self.picture, self.hole = picture.copy(), hole
        self.targets, self.sources = targets, sources
        self.known = _whole_patches(hole)
        self.index = np.full(hole.shape, -1)
        self.index[targets[:, 0], targets[:, 1]] = np.arange(len(targets))

    @classmethod
    def after(
        cls, coarser: _Level | None, picture: FloatArray, hole: BoolArray, random
    ) -> _Level | None:
        """A level that begins with the matches and colours of a coarser one; None where hardly any
        patch is known."""
        import cv2

        known = np.argwhere(_whole_patches(hole))
        if len(known) < LEAST_KNOWN * hole.size:
            return None
        size = np.array(hole.shape)
        square = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
        targets = np.argwhere(cv2.dilate(hole.astype(np.uint8), square) > 0)
        sources = known[random.integers(len(known), size=len(targets))]
        if coarser is not None:
            scale = size / np.array(coarser.hole.shape)
            cell = np.minimum((targets / scale).astype(np.int64), np.array(coarser.hole.shape) - 1)
            match = coarser.index[cell[:, 0], cell[:, 1]]
            moved = coarser.sources[match] - coarser.targets[match]
            near = np.clip(targets + np.round(moved * scale).astype(np.int64), 0, size - 1)
            usable = (match >= 0) & _whole_patches(hole)[near[:, 0], near[:, 1]]
            sources = np.where(usable[:, None], near, sources)
            colours = _resized(coarser.picture, Size(hole.shape[1], hole.shape[0]))
            picture = np.where(hole[..., None], colours, picture)
        return cls(picture, hole, sources, targets)

    def match(self, random) -> None:
        """Improves the matches for the present colours."""
        patches = _patches(self.picture)
        own = patches[self.targets[:, 0], self.targets[:, 1]]
        cost = _cost(own, patches, self.sources)
        size = np.array(self.hole.shape)
        for _ in range(SEARCHES):
            for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                beside = np.clip(self.targets + step, 0, size - 1)
                match = self.index[beside[:, 0], beside[:, 1]]
                candidate = np.where((match >= 0)[:, None], self.sources[match] - step, -1)
                cost = self._take(candidate, own, patches, cost)
            reach = size.astype(np.float64)
            for _ in range(CANDIDATES):
                away = (random.random(self.sources.shape) * 2 - 1) * reach
                cost = self._take(self.sources + away.astype(np.int64), own, patches, cost)
                reach = reach / 2

    def _take(
        self, candidate: IndexArray, own: FloatArray, patches: FloatArray, cost: FloatArray
    ) -> FloatArray:
        """Takes candidates (n, 2) where they are better; returns the costs (n,)."""
        size = np.array(self.hole.shape)
        within = np.all((candidate >= 0) & (candidate < size), axis=1)
        place = np.where(within[:, None], candidate, 0)
        tried = np.flatnonzero(within & self.known[place[:, 0], place[:, 1]])
        new = _cost(own[tried], patches, candidate[tried])
        better = tried[new < cost[tried]]
        self.sources[better] = candidate[better]
        cost[tried] = np.minimum(cost[tried], new)
        return cost

    def average(self) -> None:
        """Every pixel of the hole becomes the mean of what its patches' matches show there."""
        height, width = self.hole.shape
        total = np.zeros((height * width, 4))
        flat = self.picture.reshape(-1, 3)
        for down in range(-RADIUS, RADIUS + 1):
            for right in range(-RADIUS, RADIUS + 1):
                row, column = (self.targets + (down, right)).T
                within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
                place = (row * width + column)[within]
                source = self.sources[within] + (down, right)
                # Every target is a place of its own: no place occurs twice.
                total[place, :3] += flat[source[:, 0] * width + source[:, 1]]
                total[place, 3] += 1
        mean = (total[:, :3] / np.maximum(total[:, 3:], 1)).reshape(height, width, 3)
        self.picture[self.hole] = mean[self.hole]


def _copied(picture: FloatArray, removed: BoolArray, level: _Level) -> FloatArray:
    """The matches of a level, copied at full size, their colours fitted to those at the rim.

    Every pixel takes the mean of what the matches of the cells around it show, by nearness, so
    that copies of different places run into each other. What the copies are off by just outside of
    the hole is spread over it and taken out (as Perez, Gangnet and Blake, 2003, do by Poisson's
    equation).
    """
    import cv2

    rim = max(1, round(RIM * max(removed.shape)))
    square = np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)
    around = cv2.dilate(removed.astype(np.uint8), square) > 0
    row, column = np.nonzero(around)
    copied = _matched_colours(picture, removed, level, row, column)
    outside = ~removed[row, column]
    sums = np.zeros((*removed.shape, 4), np.float32)
    off = np.clip(picture[row, column] - copied, -MOST_OFF, MOST_OFF)[outside]
    sums[row[outside], column[outside], :3] = off
    sums[row[outside], column[outside], 3] = 1
    size = Size(removed.shape[1], removed.shape[0])
    rest = _resized(spread_sums(_resized(sums, size.scaled(min(1.0, 128 / max(size))))), size)
    filled = picture.copy()
    inside = ~outside
    row, column = row[inside], column[inside]
    filled[row, column] = np.clip(copied[inside] + rest[row, column], 0, 1)
    return filled


def _matched_colours(
    picture: FloatArray, removed: BoolArray, level: _Level, row: IndexArray, column: IndexArray
) -> FloatArray:
    """(n, 3): what the matches of a level show at pixels of the full size."""
    height, width = removed.shape
    rows, columns = level.hole.shape
    scale = np.array([height / rows, width / columns])
    move = np.zeros((rows, columns, 2), np.float32)
    move[level.targets[:, 0], level.targets[:, 1]] = (level.sources - level.targets) * scale
    total = np.zeros((len(row), 3), np.float32)
    weights = np.zeros((len(row), 1), np.float32)
    place = np.stack([row, column], axis=-1)
    low = np.floor((place + 0.5) / scale - 0.5).astype(np.int64)
    beyond = (place + 0.5) / scale - 0.5 - low
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        cell = np.clip(low + corner, 0, np.array([rows, columns]) - 1)
        part = np.abs(1 - np.array(corner) - beyond).prod(axis=1)
        source = np.round(place + move[cell[:, 0], cell[:, 1]]).astype(np.int64)
        source = np.clip(source, 0, [height - 1, width - 1])
        fits = ~removed[source[:, 0], source[:, 1]]
        weight = np.where(fits, part, 0).astype(np.float32)[:, None]
        total += weight * picture[source[:, 0], source[:, 1]]
        weights += weight
    coarse = _resized(level.picture.astype(np.float32), Size(width, height))[row, column]
    return np.where(weights > 0.05, total / np.maximum(weights, 1e-6), coarse)


def _cost(own: FloatArray, patches: FloatArray, sources: IndexArray) -> FloatArray:
    """(n,) squared difference between patches (n, C) and those at centres (n, 2)."""
    apart = own - patches[sources[:, 0], sources[:, 1]]
    return np.einsum("nc,nc->n", apart, apart)


def _patches(picture: FloatArray) -> FloatArray:
    """(h, w, C): the colours around every pixel, the rim continued."""
    side = 2 * RADIUS + 1
    wide = np.pad(picture, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(wide, (side, side), axis=(0, 1))
    return np.ascontiguousarray(views.reshape(*picture.shape[:2], -1), np.float32)


def _whole_patches(hole: BoolArray) -> BoolArray:
    """(h, w) bool: centres of patches that lie within the picture and outside the hole."""
    import cv2

    known = np.pad(1 - hole.astype(np.uint8), 1)
    square = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
    return cv2.erode(known, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)[1:-1, 1:-1] > 0


def _touched(removed: BoolArray, size: Size) -> BoolArray:
    """(h, w) bool: cells that contain a removed pixel."""
    import cv2

    share = cv2.resize(removed.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return share.reshape(size.height, size.width) > 0.01


def _resized(picture: FloatArray, size: Size) -> FloatArray:
    import cv2

    shrinks = size.width < picture.shape[1]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
