"""A camera controlled by the pointer: the grabbed scene point stays under the drawn path.

Appendix A.6 of Motion Prompting: the point grabbed in the first frame is followed by moving the
camera within its vertical plane, or on a sphere about the subject.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..depth.sample import depth_at
from ..document.layers import CameraGrabLayer
from ..document.motion_document import MotionDocument
from ..document.sample import ControlPath, sample_path
from ..errors import ShapeError
from ..geometry import Size
from ..progress import Progress, silent
from .camera_path import CameraPath
from .pinhole import project, to_camera, unproject
from .pose import make_pose, turn_about
from .setup import CameraSetup

logger = logging.getLogger(__name__)

# A grabbed point counts as kept under the pointer when it is this near (pixels).
REACHED_PX = 0.1
NEWTON_STEPS = 30
# Limit of the pitch on a sphere: from straight above or below the picture would flip.
STEEPEST_DEG = 89.0


@dataclass(frozen=True, eq=False)
class FollowedPath:
    """A camera path controlled by the pointer.

    Attributes:
        path: The camera.
        error_px: (T,) float64, distance of the projected point from the pointer. It is above 0.1
            where the camera cannot bring the point there and goes as near as it can.
    """

    path: CameraPath
    error_px: Tensor


def grabbed_point(depth: DepthMap, pixel: tuple[float, float]) -> Tensor:
    """Lift a pixel of the picture to its scene point.

    Args:
        depth: Depth of the picture.
        pixel: x and y in pixels.

    Returns:
        (3,) float64.

    Raises:
        ValueError: The picture has no depth at the pixel.
    """
    xy = torch.tensor([pixel], dtype=torch.float32, device=depth.z.device)
    z, known = depth_at(depth, xy)
    if not bool(known[0]):
        raise ValueError(
            f"there is no depth at pixel ({pixel[0]:.1f}, {pixel[1]:.1f}) of {depth.size}; grab "
            "another point or fill the depth."
        )
    return unproject(xy.double(), z.double(), depth.K)[0].cpu()


def follow_in_plane(point: Tensor, pixels: Tensor, setup: CameraSetup) -> FollowedPath:
    """Slide the camera in its own vertical plane, without turning, so that `point` is at `pixels`.

    Closed form: with depth Z and focal length f a shift of the camera by s moves the point by
    -f s / Z, so s = X - (x - cx) Z / f.

    Args:
        point: (3,) grabbed point in the frame of the picture's camera.
        pixels: (T, 2) where the point is to be in every frame.
        setup: The picture's camera and the number of frames.

    Raises:
        ShapeError: There is not one pixel for each frame of the setup.
        ValueError: A pixel is not finite, or the point is not in front of the camera.
    """
    pixels = _checked(point, pixels, setup)
    lens = setup.K.double().cpu()
    targets = unproject(pixels, point[2].double().expand(len(pixels)), lens)
    poses = torch.stack([make_pose(None, shift) for shift in targets - point.double()])
    return _measured(point, pixels, setup.path(poses, torch.ones(len(poses))))


def follow_on_sphere(
    point: Tensor, pixels: Tensor, setup: CameraSetup, *, progress: Progress = silent
) -> FollowedPath:
    """Move the camera on the sphere about the setup's pivot, facing it as in the picture.

    Where the point disappears behind the sphere before it reaches the pointer, the camera goes as
    near as it can; the log and `error_px` report it.

    Args:
        point: (3,) grabbed point in the frame of the picture's camera.
        pixels: (T, 2) where the point is to be in every frame.
        setup: The picture's camera, the pivot and the number of frames.
        progress: Called with (frames done, T).

    Raises:
        ShapeError: There is not one pixel for each frame of the setup.
        ValueError: A pixel is not finite, the point is not in front of the camera, or the point is
            the pivot itself, which never moves.
    """
    pixels = _checked(point, pixels, setup)
    arm = float((point.double() - setup.pivot.double()).norm())
    if arm < 1e-3 * setup.distance:
        raise ValueError(
            "the grabbed point is the pivot, which stays where it is on a sphere about it; pick "
            "another pivot, or follow in the plane."
        )
    angles = np.zeros(2)
    poses = []
    for done, pixel in enumerate(pixels.numpy(), start=1):
        angles = _solve_angles(point.double().numpy(), pixel, setup, angles)
        poses.append(_sphere_pose(angles, setup.pivot.double()))
        progress(done, len(pixels))
    return _measured(point, pixels, setup.path(torch.stack(poses), torch.ones(len(poses))))


def follow_layer(
    layer: CameraGrabLayer,
    depth: DepthMap,
    setup: CameraSetup,
    *,
    drawn_on: Size,
    on_sphere: bool = False,
    progress: Progress = silent,
) -> FollowedPath:
    """Make the camera path of a document's camera_grab layer.

    The point under the path's first position is grabbed. The camera stands still where the layer
    is absent outside its window.

    Args:
        layer: The camera_grab layer.
        depth: Depth of the picture.
        setup: The picture's camera, the pivot and the number of frames.
        drawn_on: The canvas that the layer was drawn on, in pixels.
        on_sphere: Orbit about the pivot instead of sliding in the camera's plane.
        progress: As in `follow_on_sphere`.

    Raises:
        ValueError: The first position has no depth, or the layer has no points.
    """
    drawn = sample_path(layer.path, frames=setup.frames, size=setup.size, drawn_on=drawn_on)
    start = _first_position(layer, setup, drawn_on)
    point = grabbed_point(depth, start)
    pixels = torch.from_numpy(drawn.xy)
    if on_sphere:
        return follow_on_sphere(point, pixels, setup, progress=progress)
    return follow_in_plane(point, pixels, setup)


def follow_drawing(
    document: MotionDocument,
    depth: DepthMap,
    setup: CameraSetup,
    *,
    on_sphere: bool = False,
    progress: Progress = silent,
) -> FollowedPath:
    """Make the camera path of the only enabled camera_grab layer of a drawing.

    Args:
        document: The drawing.
        depth: Depth of the picture.
        setup: The picture's camera, the pivot and the number of frames.
        on_sphere: Orbit about the pivot instead of sliding in the camera's plane.
        progress: As in `follow_on_sphere`.

    Raises:
        ValueError: There is no such layer or more than one, or as in follow_layer.
    """
    grabs = [
        layer for layer in document.layers if isinstance(layer, CameraGrabLayer) and layer.enabled
    ]
    if len(grabs) != 1:
        raise ValueError(
            f"the drawing has {len(grabs)} enabled camera layers and needs one: grab the scene "
            "with the camera tool of Draw Motion."
        )
    return follow_layer(
        grabs[0],
        depth,
        setup,
        drawn_on=document.drawn_on,
        on_sphere=on_sphere,
        progress=progress,
    )


def _first_position(
    layer: CameraGrabLayer, setup: CameraSetup, drawn_on: Size
) -> tuple[float, float]:
    still = replace(layer.path.timing, start=0.0, end=1.0, easing="linear")
    path = replace(layer.path, timing=still)
    first: ControlPath = sample_path(path, frames=1, size=setup.size, drawn_on=drawn_on)
    return float(first.xy[0, 0]), float(first.xy[0, 1])


def _checked(point: Tensor, pixels: Tensor, setup: CameraSetup) -> Tensor:
    pixels = torch.as_tensor(pixels, dtype=torch.float64).cpu()
    if pixels.shape != (setup.frames, 2) or point.shape != (3,):
        raise ShapeError(
            f"following needs one pixel for each of {setup.frames} frames and one point (3,); "
            f"got {tuple(pixels.shape)} and {tuple(point.shape)}."
        )
    if not bool(torch.isfinite(pixels).all()) or not float(point[2]) > 0.0:
        raise ValueError("following needs finite pixels and a point ahead of the camera.")
    return pixels


def _measured(point: Tensor, pixels: Tensor, path: CameraPath) -> FollowedPath:
    projected, z = project(to_camera(point.double()[None], path.T_cam_world), path.K)
    off = (projected[:, 0] - pixels).norm(dim=-1)
    off = torch.where(z[:, 0] > 0, off, torch.full_like(off, torch.inf))
    missed = int((off > REACHED_PX).sum())
    if missed:
        logger.warning(
            "the camera cannot bring the grabbed point to the pointer in %d of %d frames; the "
            "worst is %.1f px off. Draw a shorter path or move the pivot.",
            missed,
            len(off),
            float(off.max()),
        )
    return FollowedPath(path, off)


def _sphere_pose(angles: np.ndarray, pivot: Tensor) -> Tensor:
    """T_cam_world after going round by a yaw about the upright axis and over by a pitch."""
    over = turn_about(pivot, (1.0, 0.0, 0.0), float(angles[1]))
    yaw = turn_about(pivot, (0.0, 1.0, 0.0), float(angles[0]))
    return over @ yaw


def _solve_angles(
    point: np.ndarray, pixel: np.ndarray, setup: CameraSetup, start: np.ndarray
) -> np.ndarray:
    """Yaw and pitch (degrees) that bring the point nearest the pixel: damped Gauss-Newton."""

    def miss(angles: np.ndarray) -> np.ndarray:
        pose = _sphere_pose(angles, setup.pivot.double())
        projected, z = project(to_camera(torch.from_numpy(point)[None], pose), setup.K.double())
        return projected[0].numpy() - pixel if float(z[0]) > 0 else np.full(2, np.inf)

    angles, damping = start.copy(), 1e-6
    here = miss(angles)
    for _ in range(NEWTON_STEPS):
        if np.linalg.norm(here) < 1e-4 * REACHED_PX:
            break
        slope = np.stack(
            [(miss(angles + step) - miss(angles - step)) / 2e-3 for step in np.eye(2) * 1e-3],
            axis=1,
        )
        normal, pull = slope.T @ slope, slope.T @ here
        step = np.linalg.solve(normal + damping * np.trace(normal) * np.eye(2), pull)
        trial = angles - step
        trial[1] = np.clip(trial[1], -STEEPEST_DEG, STEEPEST_DEG)
        there = miss(trial)
        if np.linalg.norm(there) < np.linalg.norm(here):
            angles, here, damping = trial, there, max(damping / 10, 1e-9)
        else:
            damping *= 10
    return angles
