"""Where the points of a layer go when its tracks were measured in a clip: a vote of those around.

Measured tracks contradict each other: some lie on small things of their own, and a mesh that
follows each of them bends widely around it. So every place takes the weighted geometric median of
what its nearest tracks propose (Weiszfeld's iteration; the median of few contrary motions is one of
them, their mean is that of neither), of the mesh as its handles bend it, and of a dense field where
there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import FloatArray
from ..geometry import Size
from .deformation import Prior
from .handles import ComplexArray, Handles, Similarities, from_complex, to_complex

# A track at distance d counts by d^-NEARNESS against the nearest, and by exp(-UNLIKE difference) of
# its looks (`track_outlines.looks_of`); all together count as one.
NEARNESS, UNLIKE = 1.5, 1.5
# The nearest tracks of a place that count, and the distance that counts as none, a fraction of the
# long side.
NEAREST, SAME_PLACE = 24, 1 / 256
# The shares of the mesh, and of a field of full confidence, against that of the tracks.
MESH_SHARE, FIELD_SHARE = 0.5, 0.8
# Two proposals closer than this fraction of the long side agree.
AGREE = 0.3 / 256
ROUNDS = 6
# The weight of the vote against the stiffness of a mesh; see `arap.HandleSolver`.
VOTE_WEIGHT = 0.3
# Places that are decided at once.
CHUNK = 512


@dataclass(frozen=True, eq=False)
class Voters:
    """The tracks of one layer.

    Attributes:
        handles: K of them over T frames.
        common: the similarity that they share.
        looks: (h, w, C) of the picture; see `track_outlines.looks_of`.
        canvas: the size that places are measured on.
    """

    handles: Handles
    common: Similarities
    looks: FloatArray
    canvas: Size

    def prior(self, places: FloatArray, moved: FloatArray, field: Prior | None) -> Prior:
        """Where places go by the vote.

        Args:
            places: (V, 2) pixels.
            moved: (T, V, 2) where the mesh takes them.
            field: where a dense field takes them; its weight is its confidence, 0..1.
        """
        left = self._residuals()
        goal = np.empty(moved.shape)
        for first in range(0, len(places), CHUNK):
            part = slice(first, first + CHUNK)
            base = to_complex(self.common.at(places[part])).T
            index, weight = self._nearest(places[part])
            proposals, shares = [left.T[index]], [weight]
            others = [(moved, MESH_SHARE * np.ones(len(places)))]
            if field is not None:
                others.append((field.positions, FIELD_SHARE * field.weight))
            for positions, share in others:
                proposals.append((to_complex(positions[:, part]).T - base)[:, None])
                shares.append(share[part, None])
            agree = AGREE * max(self.canvas)
            chosen = geometric_median(
                np.concatenate(proposals, axis=1), np.concatenate(shares, axis=1), agree
            )
            goal[:, part] = from_complex((chosen + base).T)
        return Prior(goal, np.full(len(places), VOTE_WEIGHT))

    def _residuals(self) -> ComplexArray:
        """(T, K) what the handles move beyond their common similarity; held while not visible."""
        visible = self.handles.visible
        shared = to_complex(self.common.at(self.handles.start))
        beyond = to_complex(self.handles.xy) - shared
        frames = np.arange(len(visible))[:, None]
        last = np.maximum.accumulate(np.where(visible, frames, -1), axis=0)
        last = np.where(last < 0, visible.argmax(axis=0), last)
        return np.take_along_axis(beyond, last, axis=0)

    def _nearest(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(V, n) indices of the handles around each place, and their weights, which sum to one."""
        from scipy.spatial import KDTree

        start = self.handles.start
        count = min(NEAREST, len(start))
        found = KDTree(start).query(places, count)
        away, index = (np.asarray(one).reshape(len(places), count) for one in found)
        away = np.maximum(away, SAME_PLACE * max(self.canvas))
        unlike = np.linalg.norm(
            self._looks_at(places)[:, None] - self._looks_at(start)[index], axis=-1
        )
        weight = (away[:, :1] / away) ** NEARNESS * np.exp(-UNLIKE * unlike)
        weight = weight * np.maximum(self.handles.weight, 1e-9)[index]
        return index, weight / weight.sum(axis=1, keepdims=True)

    def _looks_at(self, places: FloatArray) -> FloatArray:
        """(P, C) of places (P, 2); beyond the picture those of its edge."""
        size = np.array(self.looks.shape[1::-1])
        cells = np.floor(places * (size / np.array(self.canvas))).astype(np.int64)
        column, row = np.clip(cells, 0, size - 1).T
        return self.looks[row, column]


def geometric_median(values: ComplexArray, weights: FloatArray, agree: float) -> ComplexArray:
    """(V, T) the weighted geometric medians of paths.

    Args:
        values: (V, n, T) paths of n proposals for each of V places.
        weights: (V, n), of which one at least is positive.
        agree: root mean square distance over time below which paths count as one.
    """
    share = weights / weights.sum(axis=1, keepdims=True)
    middle = np.einsum("vn,vnt->vt", share, values)
    for _ in range(ROUNDS):
        away = np.sqrt((np.abs(values - middle[:, None]) ** 2).mean(axis=-1)) + agree
        near = share / away
        near /= near.sum(axis=1, keepdims=True)
        middle = np.einsum("vn,vnt->vt", near, values)
    return middle
