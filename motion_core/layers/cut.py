"""The outline of one thing: several candidates by saliency and colours, and their vote."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from .cells import connected, smooth_outline, without_gaps, without_pinholes
from .geodesic import EdgeDistances
from .prompts import ThingPrompt
from .saliency import Box, saliency
from .track_outlines import labelled_cells, looks_of

# Candidates are made at this long side.
CUT_SIDE = 192
# The network looks at the whole picture and at windows around the prompt: their long sides as
# fractions of the picture's, and the side of the square that it receives.
WINDOWS = ((1.0, 256), (0.66, 256), (0.4, 192))
# A candidate holds the cells that are at least this fraction as salient as the prompt.
RELATIVE = (0.3, 0.4, 0.5, 0.6, 0.7)
# GrabCut starts from the candidate of this fraction, and from a disc of this radius, a fraction of
# the long side.
START, DISC = 0.5, 0.2
COLOUR_ROUNDS = 2
# A prompt that is less salient than this in every window leaves the decision to colour.
LEAST_SALIENCY = 0.2
# Points stand out where this fraction of them is at least so salient in the median window.
MOST, STANDS_OUT = 0.75, 0.5
# Floors of a prompt's saliency and of a window's weight.
FLOOR = 0.02
# A cell belongs to the thing where more than this fraction of the candidates contain it: what is
# left behind is worse than what goes along.
ENOUGH = 0.3
# A cut that is hardly larger than its seeds has found nothing. Nor has one that covers more than
# this fraction of the picture or of the seeds outside: then the seeds are grown by this fraction of
# the long side.
LEAST_GAIN, MOST_AREA, MOST_SWALLOWED, GROWN = 1.3, 0.97, 0.5, 0.08
# Cells by which a thing goes on under one in front of it.
SEAM = 3.0


class PictureCutter:
    """Finds the outlines of things in one picture.

    Saliency is found in the whole picture and in windows around the prompt, relative to the
    prompt's own, and the more a window sets the prompt off from the rest of it the more that window
    counts. Candidates are what is salient enough, at several thresholds, two cuts by colour
    (GrabCut: Rother, Kolmogorov and Blake 2004) with the prompt's points as fixed seeds, one that
    begins with a salient part and one with a disc, and what is nearer to the prompt than to the
    points outside along paths that avoid edges. A cell belongs to the thing where enough
    candidates agree. Where the prompt is not salient, the disc and the paths decide.

    Attributes:
        grid: the size at which candidates are made.
    """

    def __init__(self, picture: FloatArray, canvas: Size, tick: Callable[[], None]) -> None:
        """Prepares a picture.

        Args:
            picture: (h, w, 3) float32 0..1, small.
            canvas: the size that prompts are measured on.
            tick: called after each part of the work; it may raise to stop it.
        """
        import cv2

        self._picture, self._canvas, self.tick = picture, canvas, tick
        self._size = Size(picture.shape[1], picture.shape[0])
        self.grid = self._size.scaled(min(1.0, CUT_SIDE / max(self._size)))
        small = cv2.resize(picture, self.grid, interpolation=cv2.INTER_AREA)
        bgr = np.round(small[..., ::-1] * 255).clip(0, 255).astype(np.uint8)
        self._small = small
        self._eight_bit = np.ascontiguousarray(bgr)
        self._maps: dict[Box, FloatArray] = {}
        self._distances = EdgeDistances(small)

    def cut(self, prompt: ThingPrompt, *, alone: bool = False) -> BoolArray:
        """The thing that a prompt marks.

        Args:
            prompt: points on the canvas.
            alone: whether the points of other moving things may lie on this one.

        Returns:
            (gh, gw) bool, the thing; empty when no point of the prompt lies within the picture. A
            point of the background around which everything belongs to the thing lies on the thing.
        """
        inside, outside = prompt.seeds(self.grid, self._canvas, alone=alone)
        if not inside.any():
            return inside
        votes = self._votes(prompt, inside, outside)
        self.tick()
        chosen = connected((votes > ENOUGH) & ~outside, inside)
        chosen = connected(without_gaps(chosen, outside), inside)
        whole = without_pinholes(chosen, outside)
        swallowed = (whole & outside).sum() > MOST_SWALLOWED * outside.sum()
        if swallowed or whole.mean() > MOST_AREA or whole.sum() < LEAST_GAIN * inside.sum():
            whole = _grown(inside, outside)
        return whole

    def _votes(self, prompt: ThingPrompt, inside: BoolArray, outside: BoolArray) -> FloatArray:
        """(gh, gw) 0..1, the fraction of the candidates that contain each cell."""
        places = prompt.inside * (self._size.width / self._canvas.width)
        salient, typical = relative_saliency(self._saliency_maps(places), inside)
        candidates = [self._by_colour(_disc(inside), inside, outside)]
        if outside.any():
            candidates.append(self._distances.nearer(inside, outside))
        if typical >= LEAST_SALIENCY:
            candidates += [salient > least for least in RELATIVE]
            candidates.append(self._by_colour(salient > START, inside, outside))
        parts = [connected(one & ~outside, inside) for one in candidates]
        votes = np.mean(parts, axis=0)
        found = connected(votes > 0.5, inside).sum() >= LEAST_GAIN * inside.sum()
        return votes if found else parts[0].astype(np.float32)

    def stands_out(self, points: FloatArray) -> bool:
        """Whether most of the points (K, 2) of the canvas are salient in most windows."""
        inside = self._cells(points)
        maps = self._saliency_maps(points * (self._size.width / self._canvas.width))
        part = [_quantile(_likely(one)[inside], 1 - MOST) for one in maps]
        return float(np.median(part)) >= STANDS_OUT

    def held(self, points: FloatArray) -> FloatArray:
        """(gh, gw) float32: one around points (K, 2) of the canvas, fading to zero."""
        import cv2

        around = np.zeros((self.grid.height, self.grid.width), np.uint8)
        around[self._cells(points)] = 1
        return smooth_outline(cv2.dilate(around, np.ones((3, 3), np.uint8)) > 0)

    def labelled(self, points: FloatArray, labels: IndexArray) -> IndexArray:
        """(gh, gw) which of the labels (N,) of points (N, 2) each cell goes with."""
        salient = self._salient()
        places = points * (np.array(self.grid) / np.array(self._canvas))
        return labelled_cells(self._small, salient, places, labels)

    def looks(self) -> FloatArray:
        """(gh, gw, C) what the cells look like; see `track_outlines.looks_of`."""
        return looks_of(self._small, self._salient())

    def _salient(self) -> FloatArray:
        """(gh, gw) 0..1 in the whole picture."""
        return _likely(self._saliency_map(Box(0, 0, *self._size), WINDOWS[0][1]))

    def _cells(self, points: FloatArray) -> tuple[IndexArray, IndexArray]:
        """Rows and columns of the cells of points (K, 2)."""
        cells = np.floor(points * (np.array(self.grid) / np.array(self._canvas))).astype(np.int64)
        column, row = np.clip(cells, 0, np.array(self.grid) - 1).T
        return row, column

    def _by_colour(self, start: BoolArray, inside: BoolArray, outside: BoolArray) -> BoolArray:
        """GrabCut from a start, with fixed seeds; the start where one side would be empty."""
        import cv2

        labels = np.where(start, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        labels[inside], labels[outside] = cv2.GC_FGD, cv2.GC_BGD
        on = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
        if on.all() or not on.any():
            return start
        # GrabCut clusters colours at random; the same question must give the same cut.
        cv2.setRNGSeed(0)
        models = np.zeros((2, 1, 65))
        cv2.grabCut(
            self._eight_bit,
            labels,
            (0, 0, 1, 1),
            models[0],
            models[1],
            COLOUR_ROUNDS,
            cv2.GC_INIT_WITH_MASK,
        )
        return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)

    def _saliency_maps(self, points: FloatArray) -> list[FloatArray]:
        """Log odds (gh, gw) per window, NaN outside of it."""
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        return [
            self._saliency_map(window_around(centre, fraction * max(self._size), self._size), side)
            for fraction, side in WINDOWS
        ]

    def _saliency_map(self, box: Box, side: int) -> FloatArray:
        """Log odds (gh, gw) in a window, NaN outside of it."""
        import cv2

        if box not in self._maps:
            scale = np.tile(np.array(self.grid) / np.array(self._size), 2)
            inner = Box(*np.round(np.array(box) * scale).astype(int).tolist())
            whole = np.full((self.grid.height, self.grid.width), np.nan, np.float32)
            found = saliency(self._picture, box, side)
            whole[inner.slices] = cv2.resize(found, inner.size, interpolation=cv2.INTER_AREA)
            self._maps[box] = whole
            self.tick()
        return self._maps[box]


def window_around(centre: FloatArray, side: float, size: Size) -> Box:
    """The box of a side around a point, moved into a picture and no larger than it."""
    extent = np.minimum(side, size)
    low = np.clip(centre - extent / 2, 0, np.array(size) - extent)
    left, top = np.floor(low).astype(int).tolist()
    width, height = np.maximum(np.round(extent), 1).astype(int).tolist()
    return Box(left, top, left + width, top + height)


def relative_saliency(maps: list[FloatArray], inside: BoolArray) -> tuple[FloatArray, float]:
    """How salient cells are in comparison with a prompt.

    Args:
        maps: (gh, gw) log odds per window, NaN outside of it.
        inside: (gh, gw) bool, the cells of the prompt.

    Returns:
        (gh, gw) 0..1, the weighted mean over the windows that contain a cell; and the prompt's
        own saliency, 0..1, the largest of its medians in the windows.
    """
    # A window of a very small picture may hold no cell.
    likely = [_likely(one) for one in maps if np.isfinite(one).any()]
    typical = [_quantile(one[inside], 0.5) for one in likely]
    total, weights = np.zeros(inside.shape), np.zeros(inside.shape)
    for one, own in zip(likely, typical, strict=True):
        covered = np.isfinite(one)
        weight = max(own - float(np.median(one[covered])), FLOOR)
        total += np.where(covered, weight * np.clip(one / own, 0, 1), 0)
        weights += weight * covered
    return total / np.maximum(weights, 1e-9), max(typical)


def _likely(logits: FloatArray) -> FloatArray:
    """Probabilities of log odds."""
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))


def _quantile(values: FloatArray, part: float) -> float:
    """A quantile of the finite values, at least FLOOR."""
    finite = values[np.isfinite(values)]
    return max(float(np.quantile(finite, part)), FLOOR) if len(finite) else FLOOR


def _disc(inside: BoolArray) -> BoolArray:
    import cv2

    rows, columns = np.nonzero(inside)
    disc = np.zeros(inside.shape, np.uint8)
    centre = (round(float(columns.mean())), round(float(rows.mean())))
    cv2.circle(disc, centre, round(DISC * max(inside.shape)), 1, -1)
    return disc > 0


def separated(cuts: list[BoolArray], prompts: list[ThingPrompt], canvas: Size) -> list[BoolArray]:
    """Cuts of several things without what they share: it goes to the one whose points are nearer.

    A thing goes on for SEAM cells under those in front of it, so that no gap shows between them.

    Args:
        cuts: (gh, gw) bool each; back to front.
        prompts: of the things.
        canvas: that the prompts are measured on.
    """
    if len(cuts) < 2:
        return cuts
    size = Size(cuts[0].shape[1], cuts[0].shape[0])
    away = [_distance(prompt.seeds(size, canvas)[0]) for prompt in prompts]
    cost = [np.where(cut, one, np.inf) for cut, one in zip(cuts, away, strict=True)]
    owner = np.argmin(cost, axis=0)
    kept = []
    for index, cut in enumerate(cuts):
        below = (owner > index) & (_distance(owner == index) <= SEAM)
        kept.append(cut & ((owner == index) | below))
    return kept


def _distance(seeds: BoolArray) -> FloatArray:
    import cv2

    if not seeds.any():
        return np.full(seeds.shape, np.inf, np.float32)
    return cv2.distanceTransform(1 - seeds.astype(np.uint8), cv2.DIST_L2, 5)


def _grown(inside: BoolArray, outside: BoolArray) -> BoolArray:
    """Cells near the seeds inside, and nearer to them than to those outside."""
    near = _distance(inside)
    return inside | ((near <= max(1.5, GROWN * max(inside.shape))) & (near < _distance(outside)))
