"""Cameras as values: pinhole intrinsics and a pose for every frame.

OpenCV axes (x right, y down, z forward), column vectors; ``T_cam_world`` takes world points to
camera points. Pixels have corners: a point on the optical axis lands on (cx, cy), and the middle
of a W x H picture is (W / 2, H / 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..tracks.frame_rate import checked_rate

# Largest deviation of a rotation from orthonormality; beyond it the pose is singular or sheared.
ROTATION_TOLERANCE = 1e-3
# Scene units. Farther, float32 keeps nothing of a scene.
MOST_DISTANCE = 1e12
# Pixels. Beyond these all points of a scene project onto one place.
LEAST_FOCAL_PX, MOST_FOCAL_PX = 1e-6, 1e12


@dataclass(frozen=True, eq=False)
class CameraPath:
    """A pinhole camera through T frames of one canvas.

    Poses are float64 because chained moves would otherwise drift; projection runs in float32.

    Attributes:
        T_cam_world: (T, 4, 4) float64, rigid.
        K: (T, 3, 3) float64, intrinsics in pixels of `size`, corner origin.
        size: The canvas.
        fps: Frames per second, or None when unknown.

    Raises:
        TypeError: A matrix is not a float64 tensor.
        ShapeError: A matrix has another shape, or there is not one K per pose.
        ValueError: A matrix is not finite, a pose is not rigid, K is not that of a pinhole with
            focal lengths above 0, or fps is out of range.
    """

    T_cam_world: Tensor
    K: Tensor
    size: Size
    fps: float | None = None

    def __post_init__(self) -> None:
        frames = _checked_matrices("CameraPath.T_cam_world", self.T_cam_world, 4)
        if _checked_matrices("CameraPath.K", self.K, 3) != frames:
            raise ShapeError(
                f"CameraPath needs one K per pose; got {frames} poses and {self.K.shape[0]} K."
            )
        _check_rigid(self.T_cam_world)
        _check_intrinsics(self.K)
        checked_rate(self.fps, "CameraPath.fps")
        object.__setattr__(self, "size", checked_size(*self.size))

    @property
    def num_frames(self) -> int:
        """T, the number of frames."""
        return self.T_cam_world.shape[0]

    def scaled_to(self, size: Size) -> CameraPath:
        """The same camera looking at another canvas."""
        factor = torch.diag(
            torch.tensor(
                [size[0] / self.size.width, size[1] / self.size.height, 1.0],
                dtype=self.K.dtype,
                device=self.K.device,
            )
        )
        return replace(self, K=factor @ self.K, size=Size(*size))


def _checked_matrices(name: str, value: Tensor, side: int) -> int:
    if not isinstance(value, Tensor) or value.dtype != torch.float64:
        raise TypeError(f"{name} must be a float64 tensor.")
    if value.ndim != 3 or value.shape[1:] != (side, side):
        raise ShapeError(f"{name} must be (T, {side}, {side}); got {tuple(value.shape)}.")
    if not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} must be finite; the camera file or preset is damaged.")
    return value.shape[0]


def _check_rigid(T_cam_world: Tensor) -> None:
    R = T_cam_world[:, :3, :3]
    eye = torch.eye(3, dtype=R.dtype, device=R.device)
    skew = (R @ R.transpose(1, 2) - eye).abs().flatten(1).amax(dim=1)
    bad = (skew > ROTATION_TOLERANCE) | (torch.linalg.det(R) < 0.5)
    bad |= T_cam_world[:, :3, 3].abs().amax(dim=1) > MOST_DISTANCE
    last = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=R.dtype, device=R.device)
    bad |= (T_cam_world[:, 3] - last).abs().amax(dim=1) > 0
    if bool(bad.any()):
        frame = int(bad.nonzero()[0, 0])
        raise ValueError(
            f"CameraPath.T_cam_world of frame {frame} is not a rotation and a translation of at "
            f"most {MOST_DISTANCE:.0e}; scaled, mirrored or singular poses cannot be used."
        )


def _check_intrinsics(K: Tensor) -> None:
    focal = torch.stack([K[:, 0, 0], K[:, 1, 1]])
    if bool(((focal < LEAST_FOCAL_PX) | (focal > MOST_FOCAL_PX)).any()):
        raise ValueError(
            f"CameraPath.K must have positive focal lengths, {LEAST_FOCAL_PX:g} to "
            f"{MOST_FOCAL_PX:g} pixels."
        )
    last = torch.tensor([0.0, 0.0, 1.0], dtype=K.dtype, device=K.device)
    if bool((K[:, 2] != last).any()) or bool((K[:, 1, 0] != 0).any()):
        frame = int(((K[:, 2] != last).any(dim=1) | (K[:, 1, 0] != 0)).nonzero()[0, 0])
        raise ValueError(
            f"CameraPath.K of frame {frame} must be [[fx, s, cx], [0, fy, cy], [0, 0, 1]]; got "
            f"{K[frame].tolist()}."
        )
