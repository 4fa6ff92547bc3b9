"""Maps from a source picture to a target picture, made from boxes, masks or points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..geometry import Size
from ..masks import binary_mask, check_mask_size
from ..progress import Progress, silent

AffineKind = Literal["similarity", "affine"]
PointKind = Literal["similarity", "affine", "thin_plate"]
# A shape whose long axis is less than this times its short one has no usable direction.
ROUND_RATIO = 1.1
# Points are collinear if their spread across their line is below this fraction of that along it.
FLAT_SHARE = 1e-4
# What a pixel's own extent adds to the variance of a mask's pixel centres, per axis.
PIXEL_VARIANCE = 1.0 / 12.0
# Step in pixels for the slope of a thin plate; float64 keeps about seven digits of it.
SLOPE_STEP = 1e-3
# Pairs of points of a thin plate. Solving for them cannot be stopped; it takes a fifth of a second.
MAX_PLATE = 1000
# Points times pairs between two calls of progress.
PIECE = 2_000_000


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are its end, not included."""

    left: float
    top: float
    right: float
    bottom: float


class Alignment(Protocol):
    """A map from a source picture to a target picture."""

    def place(self, points: Tensor, progress: Progress = silent) -> Tensor:
        """Map points (N, 2) of the source to the target: (N, 2) float64. `progress` is called with
        (points done, N) where the map is costly."""
        ...

    def slope(self, points: Tensor, progress: Progress = silent) -> Tensor:
        """(N, 2, 2) float64, the Jacobian of the map at points (N, 2) of the source. `progress` as
        in `place`."""
        ...


@dataclass(frozen=True, eq=False)
class AffineAlignment:
    """x' = A x + b.

    Attributes:
        matrix: (2, 3) float64, [A | b].

    Raises:
        ShapeError: The matrix is not (2, 3).
        ValueError: The matrix is not finite.
    """

    matrix: Tensor

    def __post_init__(self) -> None:
        if self.matrix.shape != (2, 3):
            raise ShapeError(f"an affine matrix must be (2, 3); got {tuple(self.matrix.shape)}.")
        if not bool(torch.isfinite(self.matrix).all()):
            raise ValueError("an affine matrix must be finite.")

    def place(self, points: Tensor, progress: Progress = silent) -> Tensor:
        """See Alignment."""
        matrix = self.matrix.to(points.device, torch.float64)
        return points.to(torch.float64) @ matrix[:, :2].T + matrix[:, 2]

    def slope(self, points: Tensor, progress: Progress = silent) -> Tensor:
        """See Alignment."""
        matrix = self.matrix.to(points.device, torch.float64)
        return matrix[:, :2].expand(len(points), 2, 2)


@dataclass(frozen=True, eq=False)
class ThinPlateAlignment:
    """The smoothest map from source points (K, 2) exactly to target points (K, 2).

    It is made by match_points, which checks them.
    """

    source: Tensor
    target: Tensor

    @cached_property
    def _plate(self) -> Any:
        from scipy.interpolate import RBFInterpolator

        return RBFInterpolator(
            self.source.double().cpu().numpy(),
            self.target.double().cpu().numpy(),
            kernel="thin_plate_spline",
            degree=1,
        )

    def place(self, points: Tensor, progress: Progress = silent) -> Tensor:
        """See Alignment."""
        moved = torch.empty(len(points), 2, dtype=torch.float64)
        piece = max(1, PIECE // len(self.source))
        for first in range(0, len(points), piece):
            some = points[first : first + piece].double().cpu().numpy()
            moved[first : first + piece] = torch.from_numpy(self._plate(some))
            progress(min(first + piece, len(points)), len(points))
        return moved.to(points.device)

    def slope(self, points: Tensor, progress: Progress = silent) -> Tensor:
        """See Alignment."""
        points = points.to(torch.float64)
        steps = torch.eye(2, dtype=torch.float64, device=points.device) * SLOPE_STEP
        columns = [
            self.place(points + step, progress) - self.place(points - step, progress)
            for step in steps
        ]
        return torch.stack(columns, dim=-1) / (2 * SLOPE_STEP)


def keep_place(source: Size, target: Size) -> AffineAlignment:
    """The identity map.

    Raises:
        CanvasError: The canvases differ.
    """
    if source != target:
        raise CanvasError(
            f"the tracks are on {source} but the target is {target}, so their places do not "
            'correspond. Choose the alignment "fit", or fit the tracks first (Transform Tracks).'
        )
    return AffineAlignment(torch.eye(2, 3, dtype=torch.float64))


def whole_box(size: Size) -> Box:
    """The box of a whole canvas."""
    return Box(0.0, 0.0, float(size.width), float(size.height))


def box_of_mask(mask: Tensor, size: Size) -> Box:
    """The smallest box around the part of a mask (H, W) above 0.5.

    Raises:
        ShapeError: The mask is not (H, W).
        CanvasError: The mask has another size than the canvas.
        ValueError: The mask is empty.
    """
    on = _mask_on(mask)
    check_mask_size(on, size)
    rows, columns = torch.nonzero(on.any(dim=1)).flatten(), torch.nonzero(on.any(dim=0)).flatten()
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def fit_boxes(source: Box, target: Box, *, keep_aspect: bool = True) -> AffineAlignment:
    """Map the source box to the target box.

    Args:
        source: Box of the source picture.
        target: Box of the target picture.
        keep_aspect: Scale both axes by the largest factor with which the source box fits inside,
            and centre it; otherwise stretch each axis on its own.

    Raises:
        ValueError: A box has no width or height.
    """
    sides = [_sides(name, box) for name, box in (("source", source), ("target", target))]
    zoom = [there / here for here, there in zip(*sides, strict=True)]
    if keep_aspect:
        zoom = [min(zoom)] * 2
    shift = [
        (target[axis] + target[axis + 2]) / 2 - zoom[axis] * (source[axis] + source[axis + 2]) / 2
        for axis in (0, 1)
    ]
    rows = [[zoom[0], 0.0, shift[0]], [0.0, zoom[1], shift[1]]]
    return AffineAlignment(torch.tensor(rows, dtype=torch.float64))


def match_points(source: Tensor, target: Tensor, kind: PointKind = "similarity") -> Alignment:
    """Map source points to target points, pair by pair.

    Args:
        source: (K, 2) pixels.
        target: (K, 2) pixels.
        kind: "similarity" rotates, scales and translates, least squares, from 2 pairs, and never
            mirrors. "affine" also shears, from 3. "thin_plate" bends and passes through all pairs
            exactly, from 3.

    Raises:
        ShapeError: The points are not (K, 2) each.
        ValueError: There are too few pairs, or over 1,000 for a thin plate; points are not finite,
            coincide or are collinear; or the kind is unknown.
    """
    least = {"similarity": 2, "affine": 3, "thin_plate": 3}
    if kind not in least:
        raise ValueError(f"kind must be one of {', '.join(least)}; got {kind!r}.")
    source, target = _checked_pairs(source, target, least[kind], kind)
    if kind == "similarity":
        return _least_similarity(source, target)
    if kind == "thin_plate":
        return ThinPlateAlignment(source, target)
    padded = torch.cat([source, torch.ones(len(source), 1, dtype=torch.float64)], dim=1)
    # QR with pivoting is CPU only; so are these few points.
    return AffineAlignment(torch.linalg.lstsq(padded, target, driver="gelsy").solution.T)


def match_masks(source: Tensor, target: Tensor, kind: AffineKind = "similarity") -> AffineAlignment:
    """Map the shape of the source mask to that of the target mask by their moments.

    Args:
        source: (H, W) mask of the source canvas, on above 0.5.
        target: (H, W) mask of the target canvas, on above 0.5.
        kind: "similarity" maps centroid to centroid, scales by the square root of the ratio of the
            areas and rotates one long axis to the other, by at most 90 degrees; a shape that is
            nearly round is not rotated. "affine" makes the second moments equal with the least
            distortion.

    Raises:
        ShapeError: A mask is not (H, W).
        ValueError: A mask is empty, or the kind is unknown.
    """
    if kind not in ("similarity", "affine"):
        raise ValueError(f"kind must be 'similarity' or 'affine'; got {kind!r}.")
    (mean_s, spread_s, area_s), (mean_t, spread_t, area_t) = _moments(source), _moments(target)
    if kind == "similarity":
        turn = _least_turn(spread_s, spread_t)
        zoom = math.sqrt(area_t / area_s)
        cosine, sine = zoom * math.cos(turn), zoom * math.sin(turn)
        linear = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
    else:
        root = _root(spread_s)
        inverse = torch.linalg.inv(root)
        linear = inverse @ _root(root @ spread_t @ root) @ inverse
    return _about(linear, mean_s, mean_t)


def _sides(name: str, box: Box) -> tuple[float, float]:
    sides = box.right - box.left, box.bottom - box.top
    if not all(math.isfinite(side) and side > 0 for side in sides):
        raise ValueError(f"the {name} box needs width and height above 0; got {tuple(box)}.")
    return sides


def _mask_on(mask: Tensor) -> Tensor:
    on = binary_mask(mask)
    if not bool(on.any()):
        raise ValueError("the mask is empty: no pixel is above one half. Paint the thing to align.")
    return on


def _checked_pairs(source: Tensor, target: Tensor, least: int, kind: str) -> tuple[Tensor, Tensor]:
    for name, points in (("source", source), ("target", target)):
        if points.ndim != 2 or points.shape[1] != 2:
            raise ShapeError(f"{name} points must be (K, 2) pixels; got {tuple(points.shape)}.")
        if not bool(torch.isfinite(points).all()):
            raise ValueError(f"{name} points must be finite numbers of pixels.")
    if len(source) != len(target):
        raise ValueError(
            f"there are {len(source)} source points but {len(target)} target points; every "
            "source point needs its partner."
        )
    if len(source) < least:
        raise ValueError(
            f"{kind} needs at least {least} pairs of points; got {len(source)}. Add pairs, or "
            "choose a simpler alignment."
        )
    source, target = (points.detach().double().cpu() for points in (source, target))
    _check_spread(source, least, kind)
    if kind == "thin_plate" and len(source) > MAX_PLATE:
        raise ValueError(
            f"thin_plate takes at most {MAX_PLATE:,} pairs of points; got {len(source):,}. Keep "
            "the ones that matter."
        )
    if kind == "thin_plate" and len(source.unique(dim=0)) < len(source):
        raise ValueError("thin_plate: two source points lie on one place; keep one of them.")
    return source, target


def _check_spread(points: Tensor, least: int, kind: str) -> None:
    wide, thin = torch.linalg.svdvals(points - points.mean(dim=0)).tolist()
    if wide == 0.0:
        raise ValueError(f"{kind}: all source points lie on one place; spread them out.")
    if least >= 3 and thin < FLAT_SHARE * wide:
        raise ValueError(
            f"{kind}: the source points lie on one line, which says nothing across it. Move one "
            "of them aside, or choose similarity."
        )


def _least_similarity(source: Tensor, target: Tensor) -> AffineAlignment:
    """Least-squares similarity: with complex numbers the best factor is one regression."""
    mean_s, mean_t = source.mean(dim=0), target.mean(dim=0)
    z, w = (
        torch.view_as_complex((p - m).contiguous()) for p, m in ((source, mean_s), (target, mean_t))
    )
    factor = torch.vdot(z, w) / torch.vdot(z, z).real
    if float(factor.abs()) == 0.0:
        raise ValueError("similarity: the target points lie on one place; spread them out.")
    real, imaginary = float(factor.real), float(factor.imag)
    linear = torch.tensor([[real, -imaginary], [imaginary, real]], dtype=torch.float64)
    return _about(linear, mean_s, mean_t)


def _about(linear: Tensor, here: Tensor, there: Tensor) -> AffineAlignment:
    return AffineAlignment(torch.cat([linear, (there - linear @ here)[:, None]], dim=1))


def _moments(mask: Tensor) -> tuple[Tensor, Tensor, float]:
    """Centroid (2,), covariance (2, 2) and area of a mask, pixels being squares."""
    points = torch.nonzero(_mask_on(mask)).flip(-1).double().cpu() + 0.5
    mean = points.mean(dim=0)
    away = points - mean
    spread = away.T @ away / len(points) + PIXEL_VARIANCE * torch.eye(2, dtype=torch.float64)
    return mean, spread, float(len(points))


def _root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.sqrt()) @ vectors.T


def _least_turn(source: Tensor, target: Tensor) -> float:
    """Angle in radians from one long axis to the other, within 90 degrees; 0 for round shapes."""
    angles = []
    for spread in (source, target):
        values, vectors = torch.linalg.eigh(spread)
        if float(values[1]) < ROUND_RATIO**2 * float(values[0]):
            return 0.0
        angles.append(math.atan2(float(vectors[1, 1]), float(vectors[0, 1])))
    return math.remainder(angles[1] - angles[0], math.pi)
