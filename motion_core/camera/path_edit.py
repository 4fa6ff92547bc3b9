"""Camera paths joined, layered, resample_path and fitted to another picture."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..geometry import Size, checked_size
from .camera_path import CameraPath
from .pose import interpolate_poses, inverse
from .setup import CameraSetup


def join_paths(first: CameraPath, second: CameraPath) -> CameraPath:
    """The second path carried on from where the first one ends, as one path.

    The second's start is laid on the first's end, so one of the two equal frames is dropped;
    focal lengths carry on by ratio.
    Raises CanvasError for different canvases, ValueError when either has no frames.
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
    """Two motions at once: each pose of `top` acts on top of the pose of `base` of its frame.

    Meant for sway on a planned move. Focal lengths multiply by ratio to `top`'s first.
    Raises CanvasError for different canvases, ShapeError for different numbers of frames.
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

    Paths read from files live in a world of their own; reprojection wants this one.
    Raises ValueError for a path without frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames has no first view.")
    return replace(path, T_cam_world=path.T_cam_world @ inverse(path.T_cam_world[0]))


def with_lens(path: CameraPath, K: Tensor, size: Size) -> CameraPath:
    """The same motion through another picture's lens; changes of focal length carry over by ratio.

    K: (3, 3) in pixels of `size`.
    Raises ValueError for a path without frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames has no lens to replace.")
    lenses = K.to(torch.float64).expand(path.num_frames, 3, 3).clone()
    lenses[:, 0, 0] *= path.K[:, 0, 0] / path.K[0, 0, 0]
    lenses[:, 1, 1] *= path.K[:, 1, 1] / path.K[0, 1, 1]
    return replace(path, K=lenses, size=checked_size(*size))


def scale_translation(path: CameraPath, factor: float) -> CameraPath:
    """The same turns with every distance travelled times `factor`, to fit another scene's scale.

    Raises ValueError unless the factor is positive and finite.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"the travel factor must be a positive number; got {factor}.")
    poses = path.T_cam_world.clone()
    poses[:, :3, 3] *= factor
    return replace(path, T_cam_world=poses)


def resample_path(path: CameraPath, frames: int) -> CameraPath:
    """The same way in another number of frames: screws between the frames it has.

    The rate stays, so the clip's duration changes.
    Raises ValueError for a path without frames or fewer than one asked for.
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
    share = at - before
    poses = interpolate_poses(path.T_cam_world[before], path.T_cam_world[after], share)
    K = torch.lerp(path.K[before], path.K[after], share[:, None, None])
    return replace(path, T_cam_world=poses, K=K)


def fit_path(path: CameraPath, setup: CameraSetup, travel_scale: float = 1.0) -> CameraPath:
    """A path from elsewhere as a setup's camera takes it.

    Its first view becomes the picture, its lens the picture's (changes of focal length carry over
    by ratio), its length the setup's; distances are multiplied by `travel_scale`.
    Raises ValueError for a path without frames or a scale not above 0.
    """
    own = with_lens(relative_to_first(path), setup.K, setup.size)
    scaled = scale_translation(resample_path(own, setup.frames), travel_scale)
    return replace(scaled, fps=setup.fps)
