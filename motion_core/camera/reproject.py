"""Points of one picture with depth, seen again along a camera path (appendix A.6).

The world is the camera frame of the picture: a path whose pose is the identity sees the picture
itself. ``reference.py`` defines the arithmetic; this is the vectorised form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..errors import CanvasError
from ..kernels.zbuffer import reproject_points_cuda
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .camera_path import CameraPath
from .cloud import (
    Cloud,
    bands_of,
    chosen_cloud,
    follow_clouds,
    make_cloud,
    projection,
    sees_the_picture,
    splat_cloud,
    store_pixels,
)
from .views import views_of
from .zbuffer import DEFAULT_OCCLUSION, Occlusion, ZBuffer


def reproject_pixels(
    depth: DepthMap,
    path: CameraPath,
    *,
    occlusion: Occlusion = DEFAULT_OCCLUSION,
    progress: Progress = silent,
) -> Tracks:
    """Every pixel of the picture followed along the camera path, (T, H * W) in raster order.

    A point is visible when it is ahead of the camera, on the canvas and not hidden (see
    Occlusion). Pixels without depth stay where they are and are never visible; points behind the
    camera keep their last place.
    Raises CanvasError when depth and path have different canvases, ValueError for a path without
    frames or cells larger than a pixel, which are for chosen points.
    """
    if occlusion.cell_px != 1:
        raise ValueError(f"reproject_pixels needs cell_px 1; got {occlusion.cell_px}.")
    check_same_view(depth, path)
    cloud = make_cloud(depth)
    followed = reproject_points_cuda(views_of(cloud, depth, path, occlusion), progress)
    xy, visible = followed or _follow_in_bands(cloud, depth, path, occlusion, progress)
    ids = torch.arange(cloud.count, device=depth.z.device)
    return Tracks(xy, visible, ids, path.size, path.fps)


def _follow_in_bands(
    cloud: Cloud, depth: DepthMap, path: CameraPath, occlusion: Occlusion, progress: Progress
) -> tuple[Tensor, Tensor]:
    """Pixels (T, N, 2) and visibility (T, N) of a whole picture, with torch operations."""
    zbuffer = ZBuffer(path.size, occlusion, depth.z.device)
    xy = _room((path.num_frames, cloud.count, 2), depth.z.device)
    visible = torch.empty(xy.shape[:2], dtype=torch.bool, device=depth.z.device)
    cells = torch.empty(cloud.count, dtype=torch.int64, device=depth.z.device)
    bands = bands_of(cloud)
    for frame in range(path.num_frames):
        zbuffer.clear()
        matrix = projection(path, frame, xy)
        for band in bands:
            ahead = band.project(matrix)
            store_pixels(xy, frame, band, ahead, cloud)
            zbuffer.splat(zbuffer.cells(band.pixels, out=cells[band.where]), band.z)
        if sees_the_picture(path, frame, depth.K):
            visible[frame] = depth.valid.reshape(-1)
        else:
            zbuffer.spread()
            for band in bands:
                limits = zbuffer.limits(cells[band.where])
                torch.le(band.z, limits, out=visible[frame, band.where])
        progress(frame + 1, path.num_frames)
    return xy, visible


def _room(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Memory to be written; numpy gets it in large pages, half as slow to touch the first time."""
    if device.type != "cpu":
        return torch.empty(shape, device=device)
    return torch.from_numpy(np.empty(shape, dtype=np.float32))


def reproject_points(
    depth: DepthMap,
    path: CameraPath,
    points: Tensor,
    *,
    occlusion: Occlusion = DEFAULT_OCCLUSION,
    progress: Progress = silent,
) -> Tracks:
    """Chosen points of the picture followed along the camera path.

    points: (N, 2) float pixels of the picture; ids number them. Depth between pixels is read as
    depth_at does. Points off the picture or without depth stay put and are never visible.
    Otherwise as reproject_pixels.
    Raises what reproject_pixels raises, and ShapeError unless points are (N, 2).
    """
    check_same_view(depth, path)
    chosen = chosen_cloud(depth, points)
    xy, z = follow_clouds(lambda frame: chosen, path)
    surface = make_cloud(depth, occlusion.cell_px)

    def hiding(frame: int) -> list[Cloud]:
        return [] if sees_the_picture(path, frame, depth.K) else [surface]

    visible = unhidden(hiding, path, xy, z, occlusion=occlusion, progress=progress)
    ids = torch.arange(chosen.count, device=xy.device)
    return Tracks(xy, visible, ids, path.size, path.fps)


def unhidden(
    hiding: Callable[[int], Sequence[Cloud]],
    path: CameraPath,
    xy: Tensor,
    z: Tensor,
    *,
    occlusion: Occlusion,
    progress: Progress = silent,
) -> Tensor:
    """(T, N) bool, which points are on canvas, ahead, and not hidden.

    hiding: the clouds that may hide points in a frame. xy: (T, N, 2) pixels of the path's canvas.
    z: (T, N) camera depth, -inf for points behind.
    """
    zbuffer = ZBuffer(path.size, occlusion, xy.device)
    visible = torch.isfinite(z) & _on_canvas(xy, path)
    for frame in range(path.num_frames):
        clouds = hiding(frame)
        if clouds:
            zbuffer.clear()
            for cloud in clouds:
                splat_cloud(zbuffer, cloud, projection(path, frame, xy))
            zbuffer.spread()
            visible[frame] &= z[frame] <= zbuffer.limits(zbuffer.cells(xy[frame].T.clone()))
        progress(frame + 1, path.num_frames)
    return visible


def check_same_view(depth: DepthMap, path: CameraPath) -> None:
    """Raises CanvasError or ValueError unless the path can look at this depth."""
    if depth.size != path.size:
        raise CanvasError(
            f"the depth is {depth.size} but the camera path is for {path.size}; resize the depth "
            "to the canvas first (resize_depth)."
        )
    if path.num_frames == 0:
        raise ValueError("the camera path has no frames; make it with at least one.")


def _on_canvas(xy: Tensor, path: CameraPath) -> Tensor:
    return (xy >= 0).all(dim=-1) & (xy < xy.new_tensor(path.size)).all(dim=-1)
