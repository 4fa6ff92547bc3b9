"""Points of a picture with depth, projected along a camera path (appendix A.6).

``reference.py`` defines the arithmetic; this is the vectorised form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..kernels.zbuffer import reproject_points_cuda
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .camera_scene import CameraScene
from .cloud import PointCloud


def reproject_pixels(scene: CameraScene, *, progress: Progress = silent) -> Tracks:
    """Every pixel of the picture followed along the camera path, (T, H * W) in raster order.

    A point is visible when it is ahead of the camera, on the canvas and not hidden (see
    Occlusion). Pixels without depth stay where they are and are never visible; points behind the
    camera keep their last position.

    Raises:
        ValueError: The occlusion has cells larger than a pixel, which are for chosen points.
    """
    if scene.occlusion.cell_px != 1:
        raise ValueError(f"reproject_pixels needs cell_px 1; got {scene.occlusion.cell_px}.")
    followed = reproject_points_cuda(scene.views(), progress)
    xy, visible = followed or _follow_in_chunks(scene, progress)
    ids = torch.arange(scene.points.count, device=xy.device)
    return Tracks(xy, visible, ids, scene.path.size, scene.path.fps)


def reproject_points(scene: CameraScene, points: Tensor, *, progress: Progress = silent) -> Tracks:
    """Chosen points of the picture followed along the camera path.

    Depth between pixels is read as depth_at does. Points off the picture or without depth stay
    where they are and are never visible. Otherwise as reproject_pixels.

    Args:
        scene: Depth, camera path and occlusion rule.
        points: (N, 2) float pixels of the picture; ids number them.
        progress: Called once per frame.

    Raises:
        ShapeError: `points` is not (N, 2).
    """
    cloud = scene.points_at(points)
    xy, z = project_clouds(scene, lambda frame: cloud)

    def occluders(frame: int) -> list[PointCloud]:
        return [] if scene.is_source_view[frame] else [scene.surface]

    visible = visible_points(scene, occluders, xy, z, progress=progress)
    ids = torch.arange(cloud.count, device=xy.device)
    return Tracks(xy, visible, ids, scene.path.size, scene.path.fps)


def project_clouds(
    scene: CameraScene, cloud_at: Callable[[int], PointCloud]
) -> tuple[Tensor, Tensor]:
    """Pixels (T, N, 2) and camera depths (T, N) of N points that may move in the world.

    Depth is -inf where a point is not ahead of the camera, and its pixel the last one it had.

    Args:
        scene: The cameras.
        cloud_at: The points of a frame.
    """
    first = cloud_at(0)
    xy = torch.empty(scene.num_frames, first.count, 2, device=first.points.device)
    z = torch.empty(xy.shape[:2], device=xy.device)
    for frame in range(scene.num_frames):
        cloud = cloud_at(frame)
        for chunk in cloud.chunks:
            ahead = chunk.project(scene.projections[frame])
            chunk.store(xy, frame, ahead, cloud)
            z[frame, chunk.where] = chunk.z
            if ahead is not None:
                z[frame, chunk.where].masked_fill_(~ahead, -torch.inf)
    return xy, z


def visible_points(
    scene: CameraScene,
    occluders: Callable[[int], Sequence[PointCloud]],
    xy: Tensor,
    z: Tensor,
    *,
    progress: Progress = silent,
) -> Tensor:
    """(T, N) bool, which points are on canvas, ahead of the camera and not hidden.

    Args:
        scene: The cameras, the occlusion rule and the z-buffer.
        occluders: The clouds that may hide points in a frame.
        xy: (T, N, 2) pixels.
        z: (T, N) camera depth, -inf for points behind the camera.
        progress: Called once per frame.
    """
    zbuffer = scene.zbuffer
    inside = (xy >= 0).all(dim=-1) & (xy < xy.new_tensor(scene.path.size)).all(dim=-1)
    visible = torch.isfinite(z) & inside
    for frame in range(scene.num_frames):
        clouds = occluders(frame)
        if clouds:
            zbuffer.clear()
            for cloud in clouds:
                cloud.splat(zbuffer, scene.projections[frame])
            zbuffer.spread()
            visible[frame] &= z[frame] <= zbuffer.limits(zbuffer.cells(xy[frame].T.clone()))
        progress(frame + 1, scene.num_frames)
    return visible


def _follow_in_chunks(scene: CameraScene, progress: Progress) -> tuple[Tensor, Tensor]:
    """Pixels (T, N, 2) and visibility (T, N) of a whole picture, with torch operations."""
    zbuffer, cloud, device = scene.zbuffer, scene.points, scene.depth.z.device
    xy = _empty((scene.num_frames, cloud.count, 2), device)
    visible = torch.empty(xy.shape[:2], dtype=torch.bool, device=device)
    cells = torch.empty(cloud.count, dtype=torch.int64, device=device)
    for frame in range(scene.num_frames):
        zbuffer.clear()
        for chunk in cloud.chunks:
            ahead = chunk.project(scene.projections[frame])
            chunk.store(xy, frame, ahead, cloud)
            zbuffer.splat(zbuffer.cells(chunk.pixels, out=cells[chunk.where]), chunk.z)
        if scene.is_source_view[frame]:
            visible[frame] = scene.depth.valid.reshape(-1)
        else:
            zbuffer.spread()
            for chunk in cloud.chunks:
                limits = zbuffer.limits(cells[chunk.where])
                torch.le(chunk.z, limits, out=visible[frame, chunk.where])
        progress(frame + 1, scene.num_frames)
    return xy, visible


def _empty(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Uninitialised memory; numpy gets it in large pages, twice as fast to touch at first."""
    if device.type != "cpu":
        return torch.empty(shape, device=device)
    return torch.from_numpy(np.empty(shape, dtype=np.float32))
