"""Operations on camera paths: joining, layering, resampling, and fitting to another picture."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..geometry import Size, checked_size
from ..tracks.frame_rate import same_rate
from .camera_path import CameraPath
from .pose import interpolate_poses, inverse
from .setup import CameraSetup

log = logging.getLogger(__name__)


def join_paths(first: CameraPath, second: CameraPath) -> CameraPath:
    """Continue the first path with the second, starting where the first one ends.

    The second path's first frame coincides with the first path's last one and is dropped; focal
    lengths carry on by ratio.

    Args:
        first: T1 frames.
        second: T2 frames on the same canvas.

    Returns:
        A path of T1 + T2 - 1 frames.

    Raises:
        CanvasError: The canvases differ.
        ValueError: Either path has no frames.
    """
    if first.size != second.size:
        raise CanvasError(
            f"camera paths of {first.size} and {second.size} cannot be joined; bring one to the "
            "other's canvas first (scaled_to)."
        )
    if not (first.num_frames and second.num_frames):
        raise ValueError("a camera path without frames cannot be joined.")
    carried = second.T_cam_world @ inverse(second.T_cam_world[0]) @ first.T_cam_world[-1]
    K = first.K[-1].expand_as(second.K).clone()
    K[:, 0, 0] *= second.K[:, 0, 0] / second.K[0, 0, 0]
    K[:, 1, 1] *= second.K[:, 1, 1] / second.K[0, 1, 1]
    return replace(
        first,
        T_cam_world=torch.cat([first.T_cam_world, carried[1:]]),
        K=torch.cat([first.K, K[1:]]),
    )


def layer_paths(base: CameraPath, top: CameraPath) -> CameraPath:
    """Apply each pose of `top` on top of the pose of `base` in the same frame.

    This adds sway to a planned move. Focal lengths are multiplied by their ratio to `top`'s first.

    Args:
        base: T frames.
        top: T frames on the same canvas.

    Raises:
        CanvasError: The canvases differ.
        ShapeError: The numbers of frames differ.
    """
    if base.size != top.size:
        raise CanvasError(
            f"camera paths of {base.size} and {top.size} cannot be layered; bring one to the "
            "other's canvas first (scaled_to)."
        )
    if base.num_frames != top.num_frames:
        raise ShapeError(
            f"camera paths of {base.num_frames} and {top.num_frames} frames cannot be layered."
        )
    K = base.K.clone()
    for axis in (0, 1):
        K[:, axis, axis] *= top.K[:, axis, axis] / top.K[:1, axis, axis]
    return replace(base, T_cam_world=top.T_cam_world @ base.T_cam_world, K=K)


def relative_to_first(path: CameraPath) -> CameraPath:
    """The same motion in the frame of its first camera, so that it starts at the identity.

    Reprojection expects such a path; paths read from files use a world frame of their own.

    Raises:
        ValueError: The path has no frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames has no first view.")
    return replace(path, T_cam_world=path.T_cam_world @ inverse(path.T_cam_world[0]))


def with_lens(path: CameraPath, K: Tensor, size: Size) -> CameraPath:
    """The same motion through another picture's lens; changes of focal length carry over by ratio.

    Args:
        path: The motion.
        K: (3, 3) intrinsics in pixels of `size`.
        size: The canvas of the result.

    Raises:
        ValueError: The path has no frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames has no lens to replace.")
    lenses = K.to(torch.float64).expand(path.num_frames, 3, 3).clone()
    lenses[:, 0, 0] *= path.K[:, 0, 0] / path.K[0, 0, 0]
    lenses[:, 1, 1] *= path.K[:, 1, 1] / path.K[0, 1, 1]
    return replace(path, K=lenses, size=checked_size(*size))


def scale_translation(path: CameraPath, factor: float) -> CameraPath:
    """Multiply every distance travelled by `factor` and keep the rotations.

    This fits a path to a scene of another scale.

    Raises:
        ValueError: The factor is not positive and finite.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"the travel factor must be a positive number; got {factor}.")
    poses = path.T_cam_world.clone()
    poses[:, :3, 3] *= factor
    return replace(path, T_cam_world=poses)


def resample_path(path: CameraPath, frames: int) -> CameraPath:
    """The same motion in another number of frames, with screw motions between the known frames.

    The frame rate stays, so the clip's duration changes.

    Raises:
        ValueError: The path has no frames, or `frames` is below 1.
    """
    if path.num_frames == 0 or frames < 1:
        raise ValueError(
            f"a camera path of {path.num_frames} frames cannot be brought to {frames}."
        )
    if frames == path.num_frames:
        return path
    at = torch.linspace(0.0, path.num_frames - 1.0, frames, dtype=torch.float64)
    before = at.floor().long().clamp(max=path.num_frames - 1)
    after = (before + 1).clamp(max=path.num_frames - 1)
    fraction = at - before
    poses = interpolate_poses(path.T_cam_world[before], path.T_cam_world[after], fraction)
    K = torch.lerp(path.K[before], path.K[after], fraction[:, None, None])
    return replace(path, T_cam_world=poses, K=K)


def fit_path(path: CameraPath, setup: CameraSetup, travel_scale: float = 1.0) -> CameraPath:
    """Adapt a path from elsewhere to a setup's camera.

    The first view becomes the picture's and the lens the picture's (changes of focal length carry
    over by ratio); the path gets as many frames as the setup has.

    Args:
        path: The path to adapt.
        setup: The picture's camera and the number of frames.
        travel_scale: Factor on every distance.

    Raises:
        ValueError: The path has no frames, or the scale is not above 0.
    """
    own = with_lens(relative_to_first(path), setup.K, setup.size)
    scaled = scale_translation(resample_path(own, setup.frames), travel_scale)
    if path.fps is not None and setup.fps is not None and not same_rate(path.fps, setup.fps):
        log.warning(
            "the camera path has %d frames at %.6g fps; it becomes %d frames at %.6g fps.",
            path.num_frames,
            path.fps,
            setup.frames,
            setup.fps,
        )
    return replace(scaled, fps=setup.fps)
