"""As-rigid-as-possible deformation of a mesh in the plane, with soft handles.

The energy of positions x (complex, one for each vertex) and rotations R (one for each triangle) is

    sum over triangles and their edges  w |x_b - x_a - R (r_b - r_a)|^2        (rest positions r)
    + bend * |L x - b(R)|^2 / area + sum over handles  h |B x - target|^2 + least |x - prior|^2

with cotangent weights w, their Laplacian L and b(R) the divergence of the rotated rest edges. It is
minimised by turns (Liu et al. 2008, "A local/global approach to mesh parameterization", section 4;
Sorkine and Alexa 2007): rotations in closed form, positions by a linear system that is factorised
once. The second term is the Laplacian editing energy of Sorkine et al. 2004 with the same
rotations. A point handle on a membrane alone makes a spike; this term spreads it over the square
root of `bend`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..fields.arrays import FloatArray
from .handles import ComplexArray, Similarities, from_complex, to_complex
from .mesh import MeshPlaces, TriangleMesh, doubled_areas

# Ties parts of a mesh without a handle to the prior, which the handles then hardly feel.
LEAST_TIE = 1e-4


@dataclass(frozen=True, eq=False)
class RigidEnergy:
    """The terms of the energy that depend on the mesh alone.

    Attributes:
        mesh: at rest.
        bend_px: the length over which the pull of a handle is spread, pixels.
        follow_size: 0..1, how far triangles may change size: 0 is as rigid, 1 as similar as
            possible, relative to the prior.
    """

    mesh: TriangleMesh
    bend_px: float
    follow_size: float = 0.0

    @cached_property
    def divergence(self) -> Any:
        """(V, F) complex: the divergence at vertices of one number for each triangle."""
        from scipy.sparse import coo_array

        rest = to_complex(self.mesh.vertices)
        corners = self.mesh.triangles
        rows, columns, values = [], [], []
        for opposite in range(3):
            a, b = corners[:, (opposite + 1) % 3], corners[:, (opposite + 2) % 3]
            edge = rest[b] - rest[a]
            weighted = _cotangent(rest, corners, opposite) / 2 * edge
            rows += [b, a]
            columns += [np.arange(len(corners))] * 2
            values += [weighted, -weighted]
        shape = (len(rest), len(corners))
        place = (np.concatenate(rows), np.concatenate(columns))
        return coo_array((np.concatenate(values), place), shape=shape).tocsr()

    @cached_property
    def laplacian(self) -> Any:
        """(V, V) the cotangent Laplacian, positive semidefinite."""
        from scipy.sparse import coo_array, diags_array

        rest = to_complex(self.mesh.vertices)
        corners = self.mesh.triangles
        count = len(rest)
        total = coo_array((count, count)).tocsr()
        for opposite in range(3):
            a, b = corners[:, (opposite + 1) % 3], corners[:, (opposite + 2) % 3]
            weight = _cotangent(rest, corners, opposite) / 2
            total = total + coo_array((weight, (a, b)), shape=(count, count)).tocsr()
        total = total + total.T
        return (diags_array(np.asarray(total.sum(axis=1)).ravel()) - total).tocsr()

    @cached_property
    def spread(self) -> Any:
        """(V, V) what the rigid part's system and right side are multiplied by: I + bend L / M."""
        from scipy.sparse import diags_array, eye_array

        area = doubled_areas(self.mesh.vertices, self.mesh.triangles) / 6
        mass = np.bincount(self.mesh.triangles.ravel(), np.repeat(area, 3), len(self.mesh.vertices))
        bend = self.laplacian @ diags_array(self.bend_px**2 / mass)
        return (eye_array(len(mass)) + bend).tocsr()

    @cached_property
    def system(self) -> Any:
        """(V, V) the matrix of the rigid part."""
        return (self.spread @ self.laplacian).tocsc()

    @cached_property
    def rest_size(self) -> FloatArray:
        """(F,) sum of w |edge|^2 in each triangle, square pixels."""
        return np.real(self.divergence.conj().T @ to_complex(self.mesh.vertices))

    def rotations(self, positions: ComplexArray, size: FloatArray) -> ComplexArray:
        """(F, S) the best rotations, times a size, for positions (V, S).

        Args:
            positions: of S frames.
            size: (S,) the size that triangles have in the prior.
        """
        product = self.divergence.conj().T @ positions
        length = np.maximum(np.abs(product), 1e-12)
        grown = np.clip(length / (self.rest_size[:, None] * size), 0.2, 5.0)
        return product / length * size * grown**self.follow_size


class HandleSolver:
    """Positions of a mesh for handles that all are visible: one factorisation for many frames.

    Args:
        energy: of the mesh.
        places: (K) of the handles on the mesh.
        strength: (K,) weight h of each.
        tie: (V,) or a number: the weight of the prior at each vertex.
    """

    def __init__(
        self,
        energy: RigidEnergy,
        places: MeshPlaces,
        strength: FloatArray,
        tie: FloatArray | float = LEAST_TIE,
    ) -> None:
        from scipy.sparse import coo_array, diags_array
        from scipy.sparse.linalg import splu

        count = len(energy.mesh.vertices)
        self.energy, self.places = energy, places
        self.tie = np.broadcast_to(np.maximum(tie, LEAST_TIE), count)
        rows = np.repeat(np.arange(len(strength)), 3)
        shape = (len(strength), count)
        means = coo_array((places.weights.ravel(), (rows, places.corners.ravel())), shape=shape)
        self.pull = (means.T @ diags_array(np.asarray(strength, float))).tocsr()
        matrix = energy.system + self.pull @ means.tocsr() + diags_array(self.tie)
        # The matrix is symmetric and positive definite: no pivoting.
        self.factors = splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

    def solve(
        self,
        targets: FloatArray,
        prior: Similarities,
        goal: FloatArray,
        rounds: int,
        tick: Callable[[], None] = lambda: None,
    ) -> FloatArray:
        """Positions for S frames.

        Args:
            targets: (S, K, 2) pixels, where the handles go.
            prior: of the S frames: the first rotations, and the size of triangles.
            goal: (S, V, 2) pixels, what vertices are tied to.
            rounds: of the local and the global step.
            tick: called in every round; may raise to stop the work.

        Returns:
            (S, V, 2) float64 pixels.
        """
        held = self.pull @ to_complex(targets - self.places.offset).T
        held = held + self.tie[:, None] * to_complex(goal).T
        size = np.abs(prior.turn)
        turn = np.broadcast_to(prior.turn, (len(self.energy.mesh.triangles), len(size)))
        positions = to_complex(goal).T
        for _ in range(rounds):
            tick()
            right = self.energy.spread @ (self.energy.divergence @ turn) + held
            both = self.factors.solve(np.concatenate([right.real, right.imag], axis=1))
            positions = both[:, : len(size)] + 1j * both[:, len(size) :]
            turn = self.energy.rotations(positions, size)
        return np.ascontiguousarray(from_complex(positions.T))


def _cotangent(rest: ComplexArray, corners: FloatArray, corner: int) -> FloatArray:
    """(F,) cotangents of the angles at one corner of each triangle."""
    first = rest[corners[:, (corner + 1) % 3]] - rest[corners[:, corner]]
    second = rest[corners[:, (corner + 2) % 3]] - rest[corners[:, corner]]
    product = np.conj(first) * second
    return product.real / product.imag
