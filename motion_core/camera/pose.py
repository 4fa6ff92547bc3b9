"""Rigid motions: construction, inversion, interpolation.

A pose is a (4, 4) float64 matrix acting on column vectors; ``T_cam_world`` takes world points to
camera points, so the camera's position in the world is the translation of its inverse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ShapeError

Vector = Sequence[float] | Tensor


def make_pose(rotation: Tensor | None = None, translation: Vector = (0.0, 0.0, 0.0)) -> Tensor:
    """(4, 4) float64 from a (3, 3) rotation and a translation (3,)."""
    pose = torch.eye(4, dtype=torch.float64)
    if rotation is not None:
        pose[:3, :3] = rotation
    pose[:3, 3] = as_vector(translation)
    return pose


def as_vector(value: Vector) -> Tensor:
    """(3,) float64 from three numbers.

    Raises:
        ShapeError: The value is not three numbers.
        ValueError: A number is not finite.
    """
    vector = torch.as_tensor(value, dtype=torch.float64).cpu()
    if vector.shape != (3,):
        raise ShapeError(f"a point or direction needs three numbers; got {tuple(vector.shape)}.")
    if not bool(torch.isfinite(vector).all()):
        raise ValueError(f"a point or direction must be finite; got {vector.tolist()}.")
    return vector


def rotation_about(axis: Vector, angle_deg: float) -> Tensor:
    """Right-handed rotation about an axis through the origin (Rodrigues' formula).

    Args:
        axis: Three numbers, of any length but zero.
        angle_deg: Degrees.

    Returns:
        (3, 3) float64.

    Raises:
        ValueError: The axis has length zero, or a number is not finite.
    """
    direction = as_vector(axis)
    length = float(direction.norm())
    if length == 0.0 or not math.isfinite(angle_deg):
        raise ValueError(
            f"a turn needs an axis with a direction and a finite angle; got {direction.tolist()} "
            f"and {angle_deg} degrees."
        )
    x, y, z = (direction / length).tolist()
    cross = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]], dtype=torch.float64)
    angle = math.radians(angle_deg)
    eye = torch.eye(3, dtype=torch.float64)
    return eye + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)


def turn_about(point: Vector, axis: Vector, angle_deg: float) -> Tensor:
    """(4, 4) rotation by `angle_deg` about an axis through `point`; the point itself stays."""
    rotation, centre = rotation_about(axis, angle_deg), as_vector(point)
    return make_pose(rotation, centre - rotation @ centre)


def inverse(poses: Tensor) -> Tensor:
    """The inverse of rigid motions (..., 4, 4): exact transposition, no general inverse."""
    rotation = poses[..., :3, :3].transpose(-1, -2)
    back = torch.zeros_like(poses)
    back[..., :3, :3] = rotation
    back[..., :3, 3:] = -rotation @ poses[..., :3, 3:]
    back[..., 3, 3] = 1.0
    return back


def look_at(eye: Vector, target: Vector, *, down: Vector = (0.0, 1.0, 0.0)) -> Tensor:
    """The pose of a camera at `eye` with `target` on its optical axis and no roll.

    Args:
        eye: (3,) world position of the camera.
        target: (3,) world point.
        down: World direction that points down in the picture (OpenCV y).

    Returns:
        (4, 4) float64 T_cam_world.

    Raises:
        ValueError: `eye` and `target` coincide, or the view runs along `down`.
    """
    origin = as_vector(eye)
    forward = as_vector(target) - origin
    if float(forward.norm()) == 0.0:
        raise ValueError("look_at needs a target away from the camera; they coincide.")
    forward = forward / forward.norm()
    right = torch.linalg.cross(as_vector(down), forward)
    if float(right.norm()) < 1e-9:
        raise ValueError("look_at along the down direction has no upright image; tilt it.")
    right = right / right.norm()
    rotation = torch.stack([right, torch.linalg.cross(forward, right), forward])
    return make_pose(rotation, -rotation @ origin)


def interpolate_poses(first: Tensor, last: Tensor, fraction: Tensor) -> Tensor:
    """Interpolate on SE(3): exp(fraction * log(last first^-1)) first.

    The motion is a screw: constant rotation and translation, the same in whichever frame it is
    described, so two poses of an orbit are joined by the orbit itself. A rotation by exactly 180
    degrees may go either way; add a key between.

    Args:
        first: (..., 4, 4) float64.
        last: (..., 4, 4) float64.
        fraction: (...), 0 gives `first`, 1 gives `last`; values outside 0..1 extrapolate the screw.

    Returns:
        (..., 4, 4) float64.

    Raises:
        ValueError: A pose is not rigid.
    """
    shape = torch.broadcast_shapes(first.shape[:-2], last.shape[:-2], fraction.shape)
    start = first.expand(*shape, 4, 4).reshape(-1, 4, 4)
    step = last.expand(*shape, 4, 4).reshape(-1, 4, 4) @ inverse(start)
    moved = torch.linalg.matrix_exp(_log(step) * fraction.expand(shape).reshape(-1, 1, 1).to(step))
    moved = moved @ start
    if not bool(torch.isfinite(moved).all()):
        raise ValueError("the poses cannot be interpolated: each must be a rotation and a shift.")
    return moved.reshape(*shape, 4, 4)


def _log(poses: Tensor) -> Tensor:
    """The logarithm (N, 4, 4) of rigid motions (N, 4, 4): exp of it is the motion.

    With w the rotation vector and u the velocity, exp of the twist has the translation V u, where
    V is the upper right block of exp([[w^, 1], [0, 0]]). kornia's Se3 before 0.9 loses up to all
    digits near the identity, therefore the exponential is taken by torch.
    """
    from scipy.spatial.transform import Rotation

    if not bool(torch.isfinite(poses).all()):
        raise ValueError("the poses cannot be interpolated: they hold NaN or infinite numbers.")
    vectors = Rotation.from_matrix(poses[:, :3, :3].detach().cpu().numpy()).as_rotvec()
    x, y, z = torch.from_numpy(vectors).to(poses).unbind(-1)
    twist = torch.zeros_like(poses)
    twist[:, 2, 1], twist[:, 0, 2], twist[:, 1, 0] = x, y, z
    twist = twist - twist.mT
    block = poses.new_zeros(len(poses), 6, 6)
    block[:, :3, :3] = twist[:, :3, :3]
    block[:, :3, 3:] = torch.eye(3).to(poses)
    left_jacobian = torch.linalg.matrix_exp(block)[:, :3, 3:]
    twist[:, :3, 3] = torch.linalg.solve(left_jacobian, poses[:, :3, 3])
    return twist
