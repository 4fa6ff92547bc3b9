"""Pluecker coordinates of a camera path's rays, as Wan 2.1 / 2.2 Fun Camera reads them.

A ray of direction d from a camera at o is (o x d, d), six numbers per pixel (Sitzmann et al.,
2106.02634). Wan's control adapter reads four frames at a time: the first frame counts four times,
so that it fills the first latent frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import Size
from ..progress import Progress, silent
from .camera_path import CameraPath
from .pinhole import pixel_centres
from .pose import inverse

# Wan's autoencoder divides the sides by 8 and its transformer by 2, and time by 4 after frame 0.
SIDE_MULTIPLE = 16
FRAME_STRIDE = 4
RAY_CHANNELS = 6


def plucker_rays(pose_world_cam: Tensor, K: Tensor, size: Size) -> Tensor:
    """The rays of one camera.

    Args:
        pose_world_cam: (4, 4) float64, camera to world.
        K: (3, 3) float64, intrinsics in pixels of `size`, corner origin.
        size: The canvas.

    Returns:
        (6, H, W) float32: the moment o x d, then the unit direction d, both in the world.
    """
    centres = pixel_centres(size, K.device).double()
    rays = torch.stack(
        [
            (centres[..., 0] - K[0, 2]) / K[0, 0],
            (centres[..., 1] - K[1, 2]) / K[1, 1],
            torch.ones_like(centres[..., 0]),
        ]
    )
    rays = torch.nn.functional.normalize(rays, dim=0)
    direction = (pose_world_cam[:3, :3] @ rays.flatten(1)).view_as(rays)
    origin = pose_world_cam[:3, 3, None, None].expand_as(direction)
    return torch.cat([torch.linalg.cross(origin, direction, dim=0), direction]).float()


def wan_camera_embedding(path: CameraPath, *, progress: Progress = silent) -> Tensor:
    """The camera condition of Wan Fun Camera: rays relative to the first camera.

    Channel 4 c + j of latent frame i holds ray channel c of video frame max(0, 4 i + j - 3).

    Args:
        path: 4 n + 1 frames on a canvas whose sides are multiples of 16 pixels. Distances keep the
            path's unit.
        progress: Called once per frame.

    Returns:
        (1, 24, n + 1, H, W) float32.

    Raises:
        ValueError: The canvas or the number of frames does not fit; the message says what does.
    """
    _check_fits_wan(path)
    frames, (width, height) = path.num_frames, path.size
    embedding = torch.empty(
        RAY_CHANNELS, FRAME_STRIDE, (frames - 1) // FRAME_STRIDE + 1, height, width
    )
    first = path.T_cam_world[0]
    for frame in range(frames):
        pose = first @ inverse(path.T_cam_world[frame])
        rays = plucker_rays(pose, path.K[frame], path.size)
        if frame == 0:
            embedding[:, :, 0] = rays[:, None]
        else:
            place = frame + FRAME_STRIDE - 1
            embedding[:, place % FRAME_STRIDE, place // FRAME_STRIDE] = rays
        progress(frame + 1, frames)
    return embedding.flatten(0, 1)[None]


def with_normalised_lens(
    path: CameraPath, *, fx: float, fy: float, cx: float = 0.5, cy: float = 0.5
) -> CameraPath:
    """The same motion through a lens that is given relative to the canvas.

    Args:
        path: The motion. A zoom of its own is kept by ratio.
        fx: Focal length as a fraction of the width, above 0.
        fy: Focal length as a fraction of the height, above 0.
        cx: Principal point as a fraction of the width; 0.5 is the middle.
        cy: Principal point as a fraction of the height.

    Raises:
        ValueError: A focal length is not above 0, or a number is not finite.
    """
    numbers = torch.tensor([fx, fy, cx, cy], dtype=torch.float64)
    if not bool(torch.isfinite(numbers).all()) or fx <= 0 or fy <= 0:
        raise ValueError(
            f"the lens needs focal lengths fx and fy above 0 and a finite cx and cy, as fractions "
            f"of width and height; got {fx}, {fy}, {cx}, {cy}."
        )
    width, height = path.size
    K = path.K.clone()
    K[:, 0, 0] *= fx * width / path.K[0, 0, 0]
    K[:, 1, 1] *= fy * height / path.K[0, 1, 1]
    K[:, 0, 1] = 0.0
    K[:, 0, 2], K[:, 1, 2] = cx * width, cy * height
    return CameraPath(path.T_cam_world, K, path.size, path.fps)


def _check_fits_wan(path: CameraPath) -> None:
    width, height = path.size
    if width % SIDE_MULTIPLE or height % SIDE_MULTIPLE:
        best = [max(SIDE_MULTIPLE, round(s / SIDE_MULTIPLE) * SIDE_MULTIPLE) for s in path.size]
        raise ValueError(
            f"Wan needs sides that are multiples of {SIDE_MULTIPLE} pixels; the camera path is for "
            f"{path.size}. Bring the image to {Size(*best)} before its depth and the path are made."
        )
    if path.num_frames < 1 or (path.num_frames - 1) % FRAME_STRIDE:
        near = max(0, round((path.num_frames - 1) / FRAME_STRIDE)) * FRAME_STRIDE + 1
        raise ValueError(
            f"Wan makes 4 n + 1 frames, such as 81; the camera path has {path.num_frames}. Set "
            f"frames of Camera Path to {near}."
        )
