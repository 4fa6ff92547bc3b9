"""The deformation of a layer: where the vertices of its mesh are in every frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from .arap import LEAST_TIE, HandleSolver, RigidEnergy
from .folding import folded, unfolded
from .handles import (
    GREATEST_SCALE,
    LEAST_SCALE,
    Handles,
    Similarities,
    similarities,
    to_complex,
    without_outliers,
)
from .mesh import MeshPlaces, TriangleMesh

# A layer whose handles all move less than this rests, pixels.
REST_PX = 0.05
# The strength of a handle against the stiffness of the mesh.
STRENGTH = 300.0
# Strength while outliers are looked for: smooth enough that one handle does not pull the mesh.
OUTLIER_STRENGTH = 10.0
# The length over which the pull of a handle is spread: a part of the distance between handles, and
# at most a part of the layer's radius.
BEND, MOST_BEND = 0.45, 0.3
FOLLOW_SIZE = 0.5
ROUNDS = 8
# Handles within so many spacings of a fold are weakened to a part of their strength, so many times.
FOLD_REACH, FOLD_FACTOR, FOLD_ROUNDS = 3.0, 0.15, 4
# Frames that are solved between two calls of tick.
PIECE = 4


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known about the motion of a layer beside its handles.

    Attributes:
        positions: (T, V, 2) pixels, where vertices would go.
        weight: (V,) how much that counts; see `arap.HandleSolver`.
    """

    positions: FloatArray
    weight: FloatArray

    def travel(self, mesh: TriangleMesh) -> FloatArray:
        """(T,) the greatest displacement of a vertex along either axis, pixels."""
        return np.abs(self.positions - mesh.vertices).max(axis=(1, 2), initial=0.0)

    def common(self, mesh: TriangleMesh) -> Similarities:
        """The similarity that the vertices share, in every frame: least squares by weight."""
        share = (self.weight + 1e-12) / (self.weight + 1e-12).sum()
        rest, place = to_complex(mesh.vertices), to_complex(self.positions)
        middle, goal = (share * rest).sum(), (share * place).sum(axis=1)
        arm = rest - middle
        product = (share * np.conj(arm) * (place - goal[:, None])).sum(axis=1)
        turn = product / np.maximum((share * np.abs(arm) ** 2).sum(), 1e-12)
        size = np.clip(np.abs(turn), LEAST_SCALE, GREATEST_SCALE)
        turn = size * np.exp(1j * np.angle(turn + 1e-300))
        return Similarities(turn, goal - turn * middle)


@dataclass(frozen=True, eq=False)
class Deformation:
    """A mesh in motion.

    Attributes:
        mesh: at rest.
        positions: (T, V, 2) float64 pixels. No triangle is turned over in any frame.
        residual: (T, K) pixels by which handles are missed; zero where not visible.
        relaxed: (K,) 0..1, the strength left to each handle: below one where it contradicts
            others.
        backed_off: (T,) 0..1, how far frames were moved back to the common similarity because the
            mesh would have folded.
        common: the similarity that the handles share.
    """

    mesh: TriangleMesh
    positions: FloatArray
    residual: FloatArray
    relaxed: FloatArray
    backed_off: FloatArray
    common: Similarities

    @cached_property
    def resting(self) -> BoolArray:
        """(T,) frames in which every vertex is where it is in the picture."""
        return (self.positions == self.mesh.vertices).all(axis=(1, 2))

    @property
    def moves(self) -> bool:
        """Whether anything moves in any frame."""
        return not bool(self.resting.all())

    def at_rest(self, frame: int) -> bool:
        """Whether every vertex is where it is in the picture."""
        return bool(self.resting[frame])


def deform(
    mesh: TriangleMesh,
    handles: Handles,
    radius: float,
    *,
    prior: Prior | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Deformation:
    """Moves a mesh with its handles, as rigidly as possible.

    Handles are met closely, except where they contradict each other: outliers among many are
    weighted down, and handles that would fold the mesh are weakened. In frames without a visible
    handle positions are interpolated; before the first and after the last such frame they are held.

    Args:
        mesh: at rest.
        handles: K of them over T frames; with none, or none that moves, the mesh rests.
        radius: of the layer, pixels.
        prior: motion that is known otherwise, also without handles; None for the handles' common
            similarity.
        tick: called repeatedly; may raise to stop the work.
    """
    frames, count = handles.visible.shape
    still = np.broadcast_to(mesh.vertices, (frames, *mesh.vertices.shape))
    shown = handles.visible.any(axis=1)
    moved = np.linalg.norm(handles.xy - handles.start, axis=-1) * handles.visible
    travel = moved.max(axis=1, initial=0.0)
    if prior is not None:
        shown, travel = np.ones(frames, bool), np.maximum(travel, prior.travel(mesh))
    known = np.flatnonzero(shown)
    resting = Similarities(np.ones(frames, complex), np.zeros(frames, complex))
    if not len(mesh.triangles) or not len(known) or travel.max() <= REST_PX:
        return Deformation(mesh, still, moved, np.ones(count), np.zeros(frames), resting)
    common = similarities(handles, radius) if prior is None else prior.common(mesh)
    energy = RigidEnergy(mesh, _bend(radius, max(count, 1)), FOLLOW_SIZE)
    work = _Work(mesh, handles, common, prior, energy, tick)
    moving = known[travel[known] > REST_PX]
    weight = work.without_outliers(moving)
    positions, relaxed = work.without_folds(weight, moving)
    positions = _between(positions, known)
    safe = common.at(mesh.vertices)
    backed_off = np.zeros(frames)
    for frame in np.flatnonzero(folded(positions, safe, mesh.triangles).any(axis=1)):
        wanted = positions[frame]
        positions[frame] = unfolded(wanted, safe[frame], mesh.triangles)
        reach = np.abs(wanted - safe[frame]).max()
        backed_off[frame] = 1 - np.abs(positions[frame] - safe[frame]).max() / reach
    reached = work.places.at(positions)
    residual = np.linalg.norm(reached - handles.xy, axis=-1) * handles.visible
    return Deformation(mesh, positions, residual, relaxed, backed_off, common)


@dataclass(frozen=True, eq=False)
class _Work:
    """What the steps of `deform` share."""

    mesh: TriangleMesh
    handles: Handles
    common: Similarities
    prior: Prior | None
    energy: RigidEnergy
    tick: Callable[[], None]
    places: MeshPlaces = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", self.mesh.locate(self.handles.start))

    def without_outliers(self, moving: FloatArray) -> FloatArray:
        """(K,) the weights of the handles, less for those that do not fit the others."""
        if len(self.handles.start) < 8:
            return self.handles.weight
        # A prior is no measure of tracks.
        alone = replace(self, prior=None)
        smooth = alone.solved(self.handles.weight * OUTLIER_STRENGTH, moving, rounds=3)
        residual = np.linalg.norm(self.places.at(smooth) - self.handles.xy, axis=-1)
        residual = np.where(self.handles.visible, residual, 0.0)
        residual[np.setdiff1d(np.arange(len(residual)), moving)] = 0
        return without_outliers(self.handles, residual).weight

    def without_folds(
        self, weight: FloatArray, moving: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Positions (T, V, 2), and (K,) the part of its strength that each handle keeps."""
        relaxed = np.ones(len(weight))
        for number in range(FOLD_ROUNDS + 1):
            positions = self.solved(weight * relaxed * STRENGTH, moving, ROUNDS)
            safe = self.common.at(self.mesh.vertices)
            over = np.atleast_1d(
                folded(positions[moving], safe[moving], self.mesh.triangles).any(axis=0)
            )
            if number == FOLD_ROUNDS or not over.any():
                break
            relaxed = np.where(self._near(over), relaxed * FOLD_FACTOR, relaxed)
        return positions, relaxed

    def solved(self, strength: FloatArray, moving: FloatArray, rounds: int) -> FloatArray:
        """(T, V, 2) positions; frames that do not move rest."""
        frames = len(self.handles.xy)
        positions = np.tile(self.mesh.vertices, (frames, 1, 1))
        tie = LEAST_TIE if self.prior is None else self.prior.weight
        patterns, which = np.unique(self.handles.visible[moving], axis=0, return_inverse=True)
        for number, visible in enumerate(patterns):
            self.tick()
            group = moving[which.ravel() == number]
            solver = HandleSolver(self.energy, self.places, strength * visible, tie)
            for first in range(0, len(group), PIECE):
                part = group[first : first + PIECE]
                positions[part] = self._solved_part(solver, part, rounds)
        return positions

    def _solved_part(self, solver: HandleSolver, part: FloatArray, rounds: int) -> FloatArray:
        """(S, V, 2) positions in some of the frames in which the same handles are visible."""
        prior = Similarities(self.common.turn[part], self.common.shift[part])
        goal = prior.at(self.mesh.vertices)
        if self.prior is not None:
            goal = self.prior.positions[part]
        return solver.solve(self.handles.xy[part], prior, goal, rounds, self.tick)

    def _near(self, over: BoolArray) -> BoolArray:
        """(K,) handles close to one of the triangles (F,)."""
        from scipy.spatial import KDTree

        middle = self.mesh.vertices[self.mesh.triangles[over]].mean(axis=1)
        place = self.places.at(self.mesh.vertices) - self.places.offset
        return KDTree(middle).query(place)[0] <= FOLD_REACH * self.mesh.spacing


def _bend(radius: float, count: int) -> float:
    """The length over which the pull of each of so many handles is spread, pixels."""
    return radius * min(BEND * math.sqrt(math.pi / count), MOST_BEND)


def _between(positions: FloatArray, known: FloatArray) -> FloatArray:
    """(T, V, 2) positions, with frames that are not known interpolated or held."""
    out = positions.copy()
    for frame in np.setdiff1d(np.arange(len(positions)), known):
        after = min(int(np.searchsorted(known, frame)), len(known) - 1)
        before = after if known[after] <= frame else max(after - 1, 0)
        early, late = known[before], known[after]
        part = 0.0 if early == late else (frame - early) / (late - early)
        out[frame] = positions[early] + part * (positions[late] - positions[early])
    return out
